package dev.virtualip.crds.manifest;

import com.fasterxml.jackson.databind.JsonNode;
import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.manifest.StrictMapper.Unknown;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpPoolSpec;
import dev.virtualip.crds.schema.VirtualIpSpec;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.NodeStatus;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Reads Kubernetes manifests: VirtualIPs, their pools, and Nodes for their labels and addresses.
 * Other kinds are ignored.
 */
public final class Manifests {
  private static final Path STDIN = Path.of("-");
  private static final String GROUP = "virtualip.dev/";
  private static final String API_VERSION = HasMetadata.getApiVersion(VirtualIp.class);
  private static final String KIND = HasMetadata.getKind(VirtualIp.class);
  private static final String POOL = HasMetadata.getKind(VirtualIpPool.class);
  private static final String NODE = "Node";
  private static final Set<String> FIELDS =
      Set.of("apiVersion", "kind", "metadata", "spec", "status");
  private static final Pattern NAME =
      Pattern.compile("[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*");

  private final Path file;
  private final List<VirtualIp> virtualIps = new ArrayList<>();
  private final List<VirtualIpPool> pools = new ArrayList<>();
  private final List<Node> nodes = new ArrayList<>();
  private final List<ManifestProblem> problems = new ArrayList<>();

  private Manifests(Path file) {
    this.file = file;
  }

  /**
   * The content of a file.
   *
   * @param file the file
   * @param virtualIps its VirtualIPs, those with problems included as far as they could be read
   * @param pools its pools; those with problems have no spec, and so allow nothing
   * @param nodes its Nodes
   * @param problems all problems of syntax and types; the specs are not validated yet
   * @param complete whether the file could be read to its end
   */
  public record Parsed(
      Path file,
      List<VirtualIp> virtualIps,
      List<VirtualIpPool> pools,
      List<Node> nodes,
      List<ManifestProblem> problems,
      boolean complete) {
    /** What the checks of its pools find. */
    public List<ManifestProblem> problemsOfPools() {
      return pools.stream()
          .filter(pool -> pool.getSpec() != null)
          .flatMap(
              pool ->
                  CheckedPool.of(pool).problems().stream()
                      .map(problem -> new ManifestProblem(file, ObjectRef.of(pool), problem)))
          .toList();
    }
  }

  /**
   * A problem of a manifest.
   *
   * @param file the file
   * @param object the object, or {@link ObjectRef#NONE} for a problem of the whole file
   * @param problem field and message; the field is empty if the message names a line
   */
  public record ManifestProblem(Path file, ObjectRef object, Problem problem) {
    @Override
    public String toString() {
      return Stream.of(file.toString(), object.toString(), problem.path(), problem.message())
          .filter(part -> !part.isEmpty())
          .reduce((a, b) -> a + ": " + b)
          .orElseThrow();
    }
  }

  /**
   * An object in a manifest.
   *
   * @param kind its kind, empty if it has none
   * @param name its name, empty if it has none
   */
  public record ObjectRef(String kind, String name) {
    /** No object. */
    public static final ObjectRef NONE = new ObjectRef("", "");

    /** A VirtualIP, a pool, or a Node. */
    public static ObjectRef of(HasMetadata object) {
      return new ObjectRef(object.getKind(), object.getMetadata().getName());
    }

    /** Whether it is a VirtualIP that has a name. */
    public boolean isVirtualIp() {
      return kind.equals(KIND) && !name.isEmpty();
    }

    /** Whether it is a Node. */
    public boolean isNode() {
      return kind.equals(NODE);
    }

    /** As in {@code VirtualIP/web}. */
    @Override
    public String toString() {
      return equals(NONE) ? "" : kind + "/" + name;
    }
  }

  /** The problem of a VirtualIP that has the same name as one in an earlier manifest. */
  public static ManifestProblem alreadyIn(Path first, Path file, VirtualIp vip) {
    var message = "stands in %s already: rename one of the two".formatted(first);
    return new ManifestProblem(file, ObjectRef.of(vip), new Problem("metadata.name", message));
  }

  /**
   * The manifests of a directory without its subdirectories, sorted: *.yaml, *.yml and *.json,
   * links followed.
   */
  public static List<Path> in(Path directory) throws IOException {
    try (var files = Files.list(directory)) {
      return files
          .filter(f -> f.getFileName().toString().matches("[^.].*\\.(yaml|yml|json)"))
          .filter(Files::isRegularFile)
          .sorted()
          .toList();
    }
  }

  /**
   * The files that a command line names: of a directory all that are manifests; {@code -} stays.
   *
   * @throws IllegalArgumentException if one is not there, or a directory has none; with what to do
   */
  public static List<Path> named(Collection<Path> paths) throws IOException {
    var files = new ArrayList<Path>();
    for (var path : paths) {
      if (Files.isDirectory(path)) {
        var inside = in(path);
        if (inside.isEmpty()) {
          throw new IllegalArgumentException("no *.yaml, *.yml or *.json in " + path);
        }
        files.addAll(inside);
      } else if (path.equals(STDIN) || Files.exists(path)) {
        files.add(path);
      } else {
        throw new IllegalArgumentException(
            "no file or directory " + path + ": name one that exists");
      }
    }
    return files;
  }

  /** Reads a file like {@link #read}, or standard input where it is {@code -}. */
  public static Parsed readOrStandardInput(Path file) throws IOException {
    return file.equals(STDIN)
        ? parse(file, new String(System.in.readAllBytes(), StandardCharsets.UTF_8))
        : read(file);
  }

  /**
   * Reads a file of one or more documents. If it cannot be read, the result has a problem that says
   * so.
   */
  public static Parsed read(Path file) {
    try {
      return parse(file, Files.readString(file));
    } catch (IOException e) {
      return unreadable(file, e);
    }
  }

  /** The result for a file that cannot be read. */
  public static Parsed unreadable(Path file, IOException e) {
    var message = "cannot be read (" + e + "): check its permissions and that it is UTF-8";
    return new Parsed(
        file,
        List.of(),
        List.of(),
        List.of(),
        List.of(new ManifestProblem(file, ObjectRef.NONE, new Problem("", message))),
        false);
  }

  /** Reads the text of a file: as JSON if its name ends in .json, else as YAML. */
  public static Parsed parse(Path file, String text) {
    var manifests = new Manifests(file);
    var result = Documents.read(text, file.toString().endsWith(".json"));
    for (var document : result.documents()) {
      manifests.object(document.tree(), document.flaws());
    }
    if (result.error() != null) {
      manifests.add(ObjectRef.NONE, List.of(new Problem("", result.error())));
    }
    return new Parsed(
        file,
        List.copyOf(manifests.virtualIps),
        List.copyOf(manifests.pools),
        List.copyOf(manifests.nodes),
        List.copyOf(manifests.problems),
        result.error() == null);
  }

  private void object(JsonNode tree, List<String> flaws) {
    if (tree.path("kind").asText().equals("List") && tree.path("items").isArray()) {
      tree.path("items").forEach(item -> object(item, flaws));
      return;
    }
    var kind = tree.path("kind").asText();
    var apiVersion = tree.path("apiVersion").asText();
    var own = new ArrayList<Problem>();
    flaws.forEach(message -> own.add(new Problem("", message)));
    if (kind.isEmpty() || apiVersion.isEmpty()) {
      own.add(new Problem("", "is no Kubernetes object: it needs apiVersion, kind and metadata"));
      add(ref(kind, tree), own);
    } else if (kind.equalsIgnoreCase(POOL)) {
      pool(tree, own);
    } else if (apiVersion.startsWith(GROUP) || kind.equalsIgnoreCase(KIND)) {
      virtualIp(tree, own);
    } else if (apiVersion.equals("v1") && kind.equals(NODE)) {
      node(tree, own);
    }
  }

  private void virtualIp(JsonNode tree, List<Problem> own) {
    checkHead(tree, KIND, own);
    var vip = virtualIp(tree, Unknown.IS_A_PROBLEM, own);
    var name = vip.getMetadata().getName();
    checkName(name, KIND, own);
    add(ref(KIND, tree), own);
    if (name != null && own.stream().noneMatch(p -> p.path().matches("kind|apiVersion"))) {
      virtualIps.add(vip);
    }
  }

  private void pool(JsonNode tree, List<Problem> own) {
    checkHead(tree, POOL, own);
    var pool = pool(tree, Unknown.IS_A_PROBLEM, own);
    var name = pool.getMetadata().getName();
    checkName(name, POOL, own);
    if (pool.getSpec() == null && own.isEmpty()) {
      own.add(new Problem("spec", "is missing: give at least addresses"));
    }
    add(ref(POOL, tree), own);
    pool.getMetadata().setName(Objects.requireNonNullElse(name, ""));
    pools.add(pool);
  }

  private static void checkHead(JsonNode tree, String kind, List<Problem> own) {
    expect(tree, "apiVersion", API_VERSION, own);
    expect(tree, "kind", kind, own);
    for (var field : tree.properties()) {
      if (!FIELDS.contains(field.getKey())) {
        own.add(new Problem(field.getKey(), StrictMapper.unknownField(field.getKey(), FIELDS)));
      }
    }
  }

  private static void checkName(String name, String kind, List<Problem> own) {
    if (name == null) {
      own.add(new Problem("metadata.name", "is missing: give the " + kind + " a name"));
    } else if (name.length() > 253 || !NAME.matcher(name).matches()) {
      own.add(
          new Problem(
              "metadata.name",
              "\"%s\" cannot name an object: use a-z, 0-9, - and ., as in web-1".formatted(name)));
    }
  }

  private static void expect(JsonNode tree, String field, String value, List<Problem> own) {
    var is = tree.path(field).asText();
    if (!is.equals(value)) {
      own.add(new Problem(field, "is %s: write %s".formatted(is, value)));
    }
  }

  /**
   * A VirtualIP from the API server. Unknown fields are ignored, as the CRD may be newer; wrong
   * types are problems.
   */
  public static VirtualIp lenientVirtualIp(JsonNode tree, Collection<Problem> problems) {
    return virtualIp(tree, Unknown.IS_LEFT_OUT, problems);
  }

  private static VirtualIp virtualIp(JsonNode tree, Unknown unknown, Collection<Problem> problems) {
    var vip = new VirtualIp();
    vip.setMetadata(metadata(tree, unknown, problems));
    vip.setSpec(
        StrictMapper.convert(tree.path("spec"), VirtualIpSpec.class, "spec", unknown, problems));
    return vip;
  }

  /**
   * A pool from the API server, with name and spec alone. Unknown fields are ignored. It has no
   * spec, and so allows nothing, if one of its fields cannot be read.
   */
  public static VirtualIpPool lenientPool(JsonNode tree) {
    var pool = pool(tree, Unknown.IS_LEFT_OUT, new ArrayList<>());
    pool.setMetadata(new ObjectMetaBuilder().withName(pool.getMetadata().getName()).build());
    return pool;
  }

  private static VirtualIpPool pool(JsonNode tree, Unknown unknown, Collection<Problem> problems) {
    var own = new ArrayList<Problem>();
    var pool = new VirtualIpPool();
    pool.setMetadata(metadata(tree, unknown, own));
    var spec =
        StrictMapper.convert(tree.path("spec"), VirtualIpPoolSpec.class, "spec", unknown, own);
    pool.setSpec(own.isEmpty() ? spec : null);
    problems.addAll(own);
    return pool;
  }

  private static ObjectMeta metadata(JsonNode tree, Unknown unknown, Collection<Problem> problems) {
    var metadata =
        StrictMapper.convert(
            tree.path("metadata"), ObjectMeta.class, "metadata", unknown, problems);
    return metadata == null ? new ObjectMeta() : metadata;
  }

  private void node(JsonNode tree, List<Problem> own) {
    var metadata = metadata(tree, Unknown.IS_LEFT_OUT, own);
    var spec =
        StrictMapper.convert(tree.path("spec"), NodeSpec.class, "spec", Unknown.IS_LEFT_OUT, own);
    var status =
        StrictMapper.convert(
            tree.path("status"), NodeStatus.class, "status", Unknown.IS_LEFT_OUT, own);
    if (metadata.getName() == null) {
      own.add(new Problem("metadata.name", "is missing: give the Node its name"));
    }
    add(ref(NODE, tree), own);
    if (metadata.getName() != null) {
      var node = new Node();
      node.setMetadata(metadata);
      node.setSpec(spec);
      node.setStatus(status);
      nodes.add(node);
    }
  }

  private static ObjectRef ref(String kind, JsonNode tree) {
    return new ObjectRef(kind, tree.path("metadata").path("name").asText());
  }

  private void add(ObjectRef object, List<Problem> own) {
    own.forEach(problem -> problems.add(new ManifestProblem(file, object, problem)));
  }
}
