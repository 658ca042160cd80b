import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/**
 * Compresses the layers of an image anew, by zstd itself: what the engines compress with leaves a tenth
 * more. The same image gives the same bytes.
 *
 * <p>{@code java -cp JACKSON Compress.java IMAGE.tar FOLDER}: FOLDER keeps layers for other images.
 */
final class Compress {
  private static final ObjectMapper JSON = new ObjectMapper();

  private Compress() {}

  public static void main(String[] args) throws Exception {
    var archive = Path.of(args[0]);
    var kept = Files.createDirectories(Path.of(args[1]));
    var layout = Files.createDirectories(Path.of(args[0] + ".layout"));
    run(new ProcessBuilder("tar", "-xf", archive.toString(), "-C", layout.toString()));
    var blobs = layout.resolve("blobs/sha256");
    var index = JSON.readTree(layout.resolve("index.json").toFile());
    var descriptor = (ObjectNode) index.at("/manifests/0");
    var manifest = JSON.readTree(blobs.resolve(hex(descriptor)).toFile());
    for (var layer : manifest.get("layers")) {
      if (!layer.get("mediaType").asText().endsWith("tar+zstd")) {
        throw new IOException("a layer is no tar+zstd but " + layer.get("mediaType").asText());
      }
      replace(blobs, (ObjectNode) layer, Files.readAllBytes(compressed(blobs.resolve(hex(layer)), kept)));
    }
    replace(blobs, descriptor, JSON.writeValueAsBytes(manifest));
    JSON.writeValue(layout.resolve("index.json").toFile(), index);
    run(
        new ProcessBuilder(
            "tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner",
            "-cf", archive.toString(), "-C", layout.toString(), "."));
    run(new ProcessBuilder("rm", "-rf", layout.toString()));
  }

  private static String hex(JsonNode descriptor) {
    return descriptor.get("digest").asText().substring("sha256:".length());
  }

  private static Path compressed(Path layer, Path kept) throws IOException, InterruptedException {
    var to = kept.resolve(layer.getFileName());
    if (!Files.exists(to)) {
      var part = Path.of(to + ".part");
      // Workers split the data by its size alone, whatever their number.
      run(
          new ProcessBuilder("zstd", "-dcq", layer.toString()),
          new ProcessBuilder("zstd", "-19", "-T0", "-qf", "-o", part.toString()));
      Files.move(part, to);
    }
    return to;
  }

  /** Puts a blob in the place of the one that a descriptor names. */
  private static void replace(Path blobs, ObjectNode descriptor, byte[] content)
      throws IOException, NoSuchAlgorithmException {
    Files.delete(blobs.resolve(hex(descriptor)));
    var hex = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    Files.write(blobs.resolve(hex), content);
    descriptor.put("digest", "sha256:" + hex).put("size", content.length);
  }

  private static void run(ProcessBuilder... pipeline) throws IOException, InterruptedException {
    for (var builder : pipeline) {
      builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    }
    for (var process : ProcessBuilder.startPipeline(List.of(pipeline))) {
      if (process.waitFor() != 0) {
        throw new IOException("exit " + process.exitValue() + " of " + pipeline[0].command());
      }
    }
  }
}
