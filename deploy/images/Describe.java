import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Unpacks an image, prints its digest and size, and writes what is in it as a CycloneDX file: the
 * libraries by Maven's list, the Java runtime, and the Debian packages.
 *
 * <p>{@code java -cp JACKSON Describe.java IMAGE.tar NAME BOM}: makes the folder IMAGE with {@code
 * rootfs} and {@code config.json}, the OCI image configuration; IMAGE.digest; and IMAGE.cdx.json.
 */
final class Describe {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private Describe() {}

  public static void main(String[] args) throws IOException, InterruptedException {
    Path archive = Path.of(args[0]);
    Path folder = Path.of(args[0].replaceAll("\\.tar$", ""));
    run("rm", "-rf", folder.toString());
    Path layout = Files.createDirectories(folder.resolve("layout"));
    run("tar", "-xf", archive.toString(), "-C", layout.toString());
    var digest =
        JSON.readTree(layout.resolve("index.json").toFile()).at("/manifests/0/digest").asText();
    var manifest = blob(layout, digest);
    var rootfs = Files.createDirectories(folder.resolve("rootfs"));
    long size = 0;
    for (var layer : manifest.get("layers")) {
      size += layer.get("size").asLong();
      run("tar", "-xf", path(layout, layer).toString(), "-C", rootfs.toString());
    }
    Files.copy(path(layout, manifest.get("config")), folder.resolve("config.json"));
    run("rm", "-rf", layout.toString());
    Files.writeString(Path.of(folder + ".digest"), digest + "\n");
    writeBom(Path.of(args[2]), rootfs, args[1], digest, Path.of(folder + ".cdx.json"));
    System.out.printf("%-52s %s %5.1f MB compressed%n", args[1], digest, size / 1e6);
  }

  private static Path path(Path layout, JsonNode descriptor) {
    return layout.resolve("blobs").resolve(descriptor.get("digest").asText().replace(':', '/'));
  }

  private static JsonNode blob(Path layout, String digest) throws IOException {
    return JSON.readTree(layout.resolve("blobs").resolve(digest.replace(':', '/')).toFile());
  }

  private static void writeBom(Path bom, Path rootfs, String image, String digest, Path to)
      throws IOException {
    var document = (ObjectNode) JSON.readTree(bom.toFile());
    var subject = (ObjectNode) document.at("/metadata/component");
    subject.put("type", "container").put("name", image).put("version", digest);
    subject.remove(List.of("purl", "group", "description"));
    var components = (ArrayNode) document.get("components");
    keepWhatIsThere(components, rootfs.resolve("opt/virtualip/lib"));
    components.add(java(rootfs.resolve("opt/jre/release")));
    try (var packages = Files.list(rootfs.resolve("var/lib/dpkg/status.d"))) {
      for (var status : packages.sorted().toList()) {
        components.add(debian(status));
      }
    }
    // The graph is Maven's, with libraries that the image leaves out.
    document.remove("dependencies");
    JSON.writeValue(to.toFile(), document);
  }

  private static void keepWhatIsThere(ArrayNode components, Path lib) {
    for (var each = components.iterator(); each.hasNext(); ) {
      var component = each.next();
      var jar = component.get("name").asText() + "-" + component.get("version").asText() + ".jar";
      if (!Files.exists(lib.resolve(jar))) {
        each.remove();
      }
    }
  }

  private static ObjectNode java(Path release) throws IOException {
    var properties = new Properties();
    try (var in = Files.newBufferedReader(release)) {
      properties.load(in);
    }
    var version = properties.getProperty("JAVA_RUNTIME_VERSION", "").replace("\"", "");
    if (version.isEmpty()) {
      version = properties.getProperty("JAVA_VERSION").replace("\"", "");
    }
    return component("OpenJDK Runtime", version)
        .put("publisher", properties.getProperty("IMPLEMENTOR", "OpenJDK").replace("\"", ""))
        .put("purl", "pkg:generic/openjdk@" + version.replace("+", "%2B"));
  }

  private static ObjectNode debian(Path status) throws IOException {
    Map<String, String> fields = new HashMap<>();
    for (var line : Files.readAllLines(status)) {
      int colon = line.indexOf(": ");
      if (colon > 0 && line.charAt(0) != ' ') {
        fields.put(line.substring(0, colon), line.substring(colon + 2));
      }
    }
    var version = fields.get("Version");
    return component(fields.get("Package"), version)
        .put(
            "purl",
            "pkg:deb/debian/%s@%s?arch=%s"
                .formatted(
                    fields.get("Package"),
                    version.replace("+", "%2B").replace(":", "%3A"),
                    fields.get("Architecture")));
  }

  private static ObjectNode component(String name, String version) {
    return JSON.createObjectNode().put("type", "library").put("name", name).put("version", version);
  }

  private static void run(String... command) throws IOException, InterruptedException {
    int code = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (code != 0) {
      throw new IOException("exit " + code + " of " + Arrays.toString(command));
    }
  }
}
