import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.services.sts.StsClient;

/** Repeats GetCallerIdentity with one client until the file exists. */
class Java2 {
    public static void main(String[] arguments) throws InterruptedException {
        try (StsClient sts = StsClient.create()) {
            while (!Files.exists(Path.of(arguments[0]))) {
                sts.getCallerIdentity();
                Thread.sleep(500);
            }
        }
    }
}
