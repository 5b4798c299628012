// One GetCallerIdentity with the SDK for Java v1, which does not support AWS_ENDPOINT_URL.
import com.amazonaws.client.builder.AwsClientBuilder.EndpointConfiguration;
import com.amazonaws.regions.DefaultAwsRegionProviderChain;
import com.amazonaws.services.securitytoken.AWSSecurityTokenServiceClientBuilder;
import com.amazonaws.services.securitytoken.model.GetCallerIdentityRequest;

class Old {
    public static void main(String[] args) {
        String region = new DefaultAwsRegionProviderChain().getRegion();
        AWSSecurityTokenServiceClientBuilder.standard()
            .withEndpointConfiguration(new EndpointConfiguration(System.getenv("AWS_ENDPOINT_URL"), region))
            .build()
            .getCallerIdentity(new GetCallerIdentityRequest());
    }
}
