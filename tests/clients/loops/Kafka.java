import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.HttpURLConnection;
import java.net.Proxy;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.security.auth.login.AppConfigurationEntry;
import javax.security.auth.login.AppConfigurationEntry.LoginModuleControlFlag;
import javax.security.sasl.Sasl;
import javax.security.sasl.SaslClient;
import software.amazon.msk.auth.iam.IAMClientCallbackHandler;
import software.amazon.msk.auth.iam.IAMLoginModule;

/** Repeats what a Kafka client does to authenticate, with one callback handler, until the file exists. */
class Kafka {
    public static void main(String[] arguments) throws Exception {
        // It registers the SASL mechanism.
        Class.forName(IAMLoginModule.class.getName());
        var entry = new AppConfigurationEntry(
            IAMLoginModule.class.getName(), LoginModuleControlFlag.REQUIRED, Map.of());
        var handler = new IAMClientCallbackHandler();
        handler.configure(Map.of(), "AWS_MSK_IAM", List.of(entry));
        while (!Files.exists(Path.of(arguments[0]))) {
            SaslClient client = Sasl.createSaslClient(
                new String[] {"AWS_MSK_IAM"}, null, "kafka", "b-1.cluster.kafka." + System.getenv("AWS_REGION") + ".amazonaws.com", Map.of(), handler);
            JsonNode answer = new ObjectMapper().readTree(client.evaluateChallenge(new byte[0]));
            send(answer.get("x-amz-credential").asText(), answer.get("x-amz-security-token").asText());
            Thread.sleep(500);
        }
    }

    private static void send(String credential, String token) throws Exception {
        String query = "X-Amz-Credential=" + encoded(credential) + "&X-Amz-Security-Token=" + encoded(token);
        var url = URI.create(System.getenv("AWS_ENDPOINT_URL") + "/?" + query).toURL();
        var connection = (HttpURLConnection) url.openConnection(Proxy.NO_PROXY);
        if (connection.getResponseCode() != 200) {
            throw new IllegalStateException("status " + connection.getResponseCode());
        }
        connection.disconnect();
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
