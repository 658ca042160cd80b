import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * Writes OCI archives, whose bytes depend on their content alone, or unpacks one; prints the digest.
 *
 * <p>{@code java -cp JACKSON Oci.java index OUT.tar REFERENCE IMAGE.tar...}: one image for several
 * architectures, from archives with one each. {@code chart OUT.tar REFERENCE CHART.tgz}: a Helm chart as
 * {@code helm push} stores it. {@code compress OUT.tar REFERENCE IMAGE.tar FOLDER}: an image whose layers zstd
 * itself has compressed, since what the engines compress with leaves a tenth more; FOLDER keeps layers for
 * other images. {@code unpack IMAGE.tar ARCHITECTURE FOLDER}: what {@code index} has written,
 * as {@code rootfs} and {@code config.json}, the OCI image configuration.
 *
 * <p>Sources: the OCI image layout and image index, version 1.0; Helm's media types.
 */
final class Oci {
  private static final String OCI = "application/vnd.oci.image.";
  private static final String HELM = "application/vnd.cncf.helm.";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path layout;
  private final Path work;

  private Oci(Path work) throws IOException {
    this.work = work;
    layout = Files.createDirectories(work.resolve("layout"));
    Files.createDirectories(layout.resolve("blobs/sha256"));
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    var work = Files.createTempDirectory("virtualip-oci");
    try {
      var oci = new Oci(work);
      if (args[0].equals("unpack")) {
        System.out.println(oci.unpack(args[1], args[2], Path.of(args[3])));
        return;
      }
      var top =
          switch (args[0]) {
            case "chart" -> oci.chart(Path.of(args[3]));
            case "compress" -> oci.compress(args[3], Path.of(args[4]));
            default -> oci.index(Arrays.asList(args).subList(3, args.length));
          };
      oci.write(Path.of(args[1]), args[2], top);
      System.out.println(top.get("digest").asText());
    } finally {
      run("rm", "-rf", work.toString());
    }
  }

  private ObjectNode index(List<String> archives) throws IOException, InterruptedException {
    var index = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", OCI + "index.v1+json");
    var manifests = index.putArray("manifests");
    for (var archive : archives) {
      var from = Files.createDirectory(work.resolve("image" + manifests.size()));
      run("tar", "-xf", archive, "-C", from.toString());
      run("cp", "-r", from.resolve("blobs").toString(), layout.toString());
      var manifest = (ObjectNode) JSON.readTree(from.resolve("index.json").toFile()).at("/manifests/0");
      manifest.remove("annotations");
      var config = blob(blob(manifest).get("config"));
      manifest
          .putObject("platform")
          .put("architecture", config.get("architecture").asText())
          .put("os", config.get("os").asText());
      manifests.add(manifest);
    }
    return store(index, OCI + "index.v1+json");
  }

  private ObjectNode compress(String archive, Path kept) throws IOException, InterruptedException {
    var from = Files.createDirectory(work.resolve("image"));
    run("tar", "-xf", archive, "-C", from.toString());
    var manifest = blob(from, JSON.readTree(from.resolve("index.json").toFile()).at("/manifests/0"));
    var config = manifest.get("config");
    manifest.set("config", store(Files.readAllBytes(path(from, config)), config.get("mediaType").asText()));
    for (var each : manifest.get("layers")) {
      var layer = (ObjectNode) each;
      var type = layer.get("mediaType").asText();
      if (!type.endsWith("tar+zstd")) {
        throw new IOException("a layer is no tar+zstd but " + type);
      }
      layer.setAll(store(Files.readAllBytes(compressed(path(from, layer), kept)), type));
    }
    return store(manifest, OCI + "manifest.v1+json");
  }

  private static Path compressed(Path layer, Path kept) throws IOException, InterruptedException {
    var to = Files.createDirectories(kept).resolve(layer.getFileName());
    if (!Files.exists(to)) {
      var part = Path.of(to + ".part");
      // Workers split the data by its size alone, whatever their number.
      run("bash", "-o", "pipefail", "-c", "zstd -dcq \"$0\" | zstd -19 -T0 -qf -o \"$1\"", layer.toString(), part.toString());
      Files.move(part, to);
    }
    return to;
  }

  private ObjectNode chart(Path file) throws IOException, InterruptedException {
    run("tar", "-xzf", file.toString(), "-C", work.toString(), "virtualip/Chart.yaml");
    var chart = new YAMLMapper().readTree(work.resolve("virtualip/Chart.yaml").toFile());
    var manifest =
        JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", OCI + "manifest.v1+json");
    manifest.set("config", store(chart, HELM + "config.v1+json"));
    manifest
        .putArray("layers")
        .add(store(Files.readAllBytes(file), HELM + "chart.content.v1.tar+gzip"));
    manifest
        .putObject("annotations")
        .put("org.opencontainers.image.title", chart.get("name").asText())
        .put("org.opencontainers.image.version", chart.get("version").asText());
    return store(manifest, OCI + "manifest.v1+json");
  }

  private String unpack(String archive, String architecture, Path folder)
      throws IOException, InterruptedException {
    run("tar", "-xf", archive, "-C", layout.toString());
    var top = JSON.readTree(layout.resolve("index.json").toFile()).at("/manifests/0");
    for (var each : blob(top).get("manifests")) {
      if (each.at("/platform/architecture").asText().equals(architecture)) {
        var rootfs = Files.createDirectories(folder.resolve("rootfs"));
        var manifest = blob(each);
        for (var layer : manifest.get("layers")) {
          run("tar", "-xf", path(layer).toString(), "-C", rootfs.toString());
        }
        Files.copy(path(manifest.get("config")), folder.resolve("config.json"));
        return top.get("digest").asText();
      }
    }
    throw new IOException(archive + " has no image for " + architecture);
  }

  private JsonNode blob(JsonNode descriptor) throws IOException {
    return blob(layout, descriptor);
  }

  private Path path(JsonNode descriptor) {
    return path(layout, descriptor);
  }

  private static ObjectNode blob(Path layout, JsonNode descriptor) throws IOException {
    return (ObjectNode) JSON.readTree(path(layout, descriptor).toFile());
  }

  private static Path path(Path layout, JsonNode descriptor) {
    return layout.resolve("blobs").resolve(descriptor.get("digest").asText().replace(':', '/'));
  }

  private ObjectNode store(JsonNode node, String mediaType) throws IOException {
    return store(node.toString().getBytes(StandardCharsets.UTF_8), mediaType);
  }

  private ObjectNode store(byte[] bytes, String mediaType) throws IOException {
    try {
      var hex = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
      Files.write(layout.resolve("blobs/sha256").resolve(hex), bytes);
      return JSON.createObjectNode()
          .put("mediaType", mediaType)
          .put("digest", "sha256:" + hex)
          .put("size", bytes.length);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }

  /** containerd reads its own annotation for the name, others OCI's. */
  private void write(Path out, String reference, ObjectNode top) throws IOException, InterruptedException {
    var named = top.deepCopy();
    named
        .putObject("annotations")
        .put("io.containerd.image.name", reference)
        .put("org.opencontainers.image.ref.name", reference);
    var index = JSON.createObjectNode().put("schemaVersion", 2).put("mediaType", OCI + "index.v1+json");
    index.putArray("manifests").add(named);
    Files.writeString(layout.resolve("index.json"), index.toString());
    Files.writeString(layout.resolve("oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}");
    run(
        "tar", "-cf", out.toString(), "-C", layout.toString(), "--sort=name", "--mtime=@0", "--owner=0",
        "--group=0", "--numeric-owner", "--mode=a+rX,u+w,go-w", "blobs", "index.json", "oci-layout");
  }

  private static void run(String... command) throws IOException, InterruptedException {
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("exit " + code + " of " + Arrays.toString(command));
    }
  }
}
