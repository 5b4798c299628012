// The SDK for Java v1 does not support AWS_ENDPOINT_URL.
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.regions.DefaultAwsRegionProviderChain;
import com.amazonaws.services.securitytoken.AWSSecurityTokenService;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;
import java.nio.file.Files;
import java.nio.file.Path;

/** Repeats GetCallerIdentity with one client until the file exists. */
class Java1 {
    public static void main(String[] arguments) throws InterruptedException {
        String region = new DefaultAwsRegionProviderChain().getRegion();
        AWSSecurityTokenService sts = AWSSecurityTokenServiceClientBuilder.standard()
            .withEndpointConfiguration(new EndpointConfiguration(System.getenv("AWS_ENDPOINT_URL"), region))
            .build();
        while (!Files.exists(Path.of(arguments[0]))) {
            sts.getCallerIdentity(new GetCallerIdentityRequest());
            Thread.sleep(500);
        }
    }
}
