package dev.virtualip.agent.source;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.manifest.Manifests.ManifestProblem;
import dev.virtualip.crds.manifest.Manifests.ObjectRef;
import dev.virtualip.crds.manifest.Manifests.Parsed;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualServer;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes VirtualIPs and their pools from a directory of manifests instead of from an API server, and
 * follows its changes. An object whose new version cannot be read keeps its last good version. An
 * object that comes later is younger, whatever its file is called.
 */
public final class ManifestSource implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ManifestSource.class);
  private static final int SECRET_BYTES_MAX = 1 << 20;
  private static final Duration REREAD = Duration.ofSeconds(2);
  private static final Duration SETTLED = Duration.ofMillis(50);
  private static final int POSTPONED_MAX = 20;

  private final Path directory;
  private final Path secrets;
  private final String nodeName;
  private final Consumer<Desired> consumer;
  private final Thread thread = Thread.ofPlatform().name("manifests").daemon().unstarted(this::run);

  private final Map<Path, String> texts = new HashMap<>();
  private final Map<Path, Parsed> files = new HashMap<>();
  private Map<String, Kept> kept = Map.of();
  private long updates;
  private Node self;
  private List<NodeFacts> nodes = List.of();
  private List<VirtualIpPool> pools = List.of();
  private Desired last;
  private Set<ManifestProblem> logged = Set.of();
  private Map<String, List<Problem>> problems = Map.of();

  /**
   * The last good version of a VirtualIP.
   *
   * @param read as it was read from its file
   */
  private record Kept(Path file, VirtualIp read, VirtualIp vip) {}

  private ManifestSource(
      Path directory, Path secrets, String nodeName, Consumer<Desired> consumer) {
    this.directory = directory;
    this.secrets = secrets;
    this.nodeName = nodeName;
    this.consumer = consumer;
  }

  /**
   * Starts reading.
   *
   * @param directory holds *.yaml, *.yml and *.json
   * @param secrets holds files {@code <secret name>/<key>}, or null
   * @param consumer gets the whole configuration, first soon after the start and then on each
   *     change; called on the source's own thread
   * @throws IOException if the directory cannot be read
   */
  public static ManifestSource start(
      Path directory, Path secrets, String nodeName, Consumer<Desired> consumer)
      throws IOException {
    Manifests.in(directory);
    var source = new ManifestSource(directory, secrets, nodeName, consumer);
    source.thread.start();
    return source;
  }

  /** Stops reading. A call of the consumer may still be running. */
  @Override
  public void close() {
    thread.interrupt();
  }

  private void run() {
    try (var changes = DirectoryChanges.open()) {
      while (true) {
        try {
          follow(changes);
        } catch (RuntimeException | Error e) {
          Defects.goOn(e);
          Thread.sleep(REREAD);
        }
      }
    } catch (InterruptedException _) {
      LOG.debug("manifests_closed");
    }
  }

  /** Reads once, as soon as the files no longer change, and then waits for the next change. */
  private void follow(DirectoryChanges changes) throws InterruptedException {
    for (int i = 0; i < POSTPONED_MAX && !settled(); i++) {
      Thread.sleep(SETTLED);
    }
    var watched = new LinkedHashSet<>(List.of(directory));
    read(watched);
    changes.await(watched, REREAD);
  }

  /**
   * Whether no file is being written: a half-written file would remove its VirtualIPs. Who has just
   * truncated one may wait for a busy processor before it writes.
   */
  private boolean settled() {
    try {
      long now = System.currentTimeMillis();
      for (var file : Manifests.in(directory)) {
        long age = now - Files.getLastModifiedTime(file).toMillis();
        boolean isNew = age >= 0 && age < SETTLED.toMillis();
        if (isNew || Files.size(file) == 0) {
          return false;
        }
      }
    } catch (IOException e) {
      LOG.debug("manifests_unsettled", e);
    }
    return true;
  }

  private void read(Set<Path> watched) {
    try {
      readFiles();
      update(watched);
    } catch (IOException | UncheckedIOException e) {
      LOG.warn("manifests_unreadable dir={} error=\"{}\": all stays as it was", directory, e);
    }
  }

  private void readFiles() throws IOException {
    var present = Manifests.in(directory);
    texts.keySet().retainAll(present);
    files.keySet().retainAll(present);
    for (var file : present) {
      try {
        var text = Files.readString(file);
        if (!text.equals(texts.put(file, text))) {
          files.put(file, withoutPods(Manifests.parse(file, text)));
        }
      } catch (IOException e) {
        texts.remove(file);
        files.put(file, Manifests.unreadable(file, e));
      }
    }
  }

  /** A VirtualIP that names pods cannot run here, and its last good version goes on. */
  private static Parsed withoutPods(Parsed parsed) {
    var problems = new ArrayList<>(parsed.problems());
    for (var vip : parsed.virtualIps()) {
      if (vip.getSpec() != null) {
        problemsOfPods(vip.getSpec()).stream()
            .map(problem -> new ManifestProblem(parsed.file(), ObjectRef.of(vip), problem))
            .forEach(problems::add);
      }
    }
    return new Parsed(
        parsed.file(),
        parsed.virtualIps(),
        parsed.pools(),
        parsed.nodes(),
        problems,
        parsed.complete());
  }

  private static List<Problem> problemsOfPods(VirtualIpSpec spec) {
    var unknown =
        "pods are known to the API server alone, and this agent takes its VirtualIPs from files: give ";
    var problems = new ArrayList<Problem>();
    for (int i = 0; i < spec.virtualServers().size(); i++) {
      if (hasPods(spec.virtualServers().get(i))) {
        var path = "spec.virtualServers[%d].realServers.pods".formatted(i);
        problems.add(new Problem(path, unknown + "addresses or nodes"));
      }
    }
    if (spec.egress() != null && !spec.egress().pods().isEmpty()) {
      problems.add(new Problem("spec.egress.pods", unknown + "sources"));
    }
    return problems;
  }

  private static boolean hasPods(VirtualServer server) {
    return server != null && server.realServers() != null && server.realServers().pods() != null;
  }

  private void update(Set<Path> watched) {
    updates++;
    var next = new HashMap<String, Kept>();
    var wrong = new ArrayList<ManifestProblem>();
    for (var file : files.keySet().stream().sorted().toList()) {
      take(files.get(file), next, wrong);
      wrong.addAll(files.get(file).problemsOfPools());
    }
    kept = next;
    var vips = kept.values().stream().map(Kept::vip).toList();
    var secretKeys = Desired.secretKeys(vips);
    if (secrets != null) {
      watched.add(secrets);
      secretKeys.forEach(key -> watched.add(secrets.resolve(key.name())));
    }
    tell(wrong);
    var desired =
        Desired.of(vips, self(), nodes(), this::secret, problems)
            .with(pools())
            // Files have no labels, and who writes manifests may read them.
            .withTellable(secretKeys.stream().map(SecretKey::name).collect(Collectors.toSet()));
    if (!desired.equals(last)) {
      last = desired;
      consumer.accept(desired);
    }
  }

  /** Adds the good objects of a file, and the last good versions of the others. */
  private void take(Parsed parsed, Map<String, Kept> next, List<ManifestProblem> wrong) {
    wrong.addAll(parsed.problems());
    for (var vip : parsed.virtualIps()) {
      var name = vip.getMetadata().getName();
      var object = ObjectRef.of(vip);
      var before = kept.get(name);
      if (before != null && !before.file().equals(parsed.file()) && stillIn(before.file(), name)) {
        wrong.add(Manifests.alreadyIn(before.file(), parsed.file(), vip));
      } else if (next.containsKey(name)) {
        wrong.add(Manifests.alreadyIn(next.get(name).file(), parsed.file(), vip));
      } else if (parsed.problems().stream().noneMatch(p -> p.object().equals(object))) {
        next.put(name, kept(parsed.file(), vip, before));
      } else if (before != null) {
        next.put(name, before);
      }
    }
    var fileProblems =
        parsed.problems().stream().filter(p -> p.object().equals(ObjectRef.NONE)).toList();
    if (!parsed.complete()) {
      kept.forEach(
          (name, before) -> {
            if (before.file().equals(parsed.file()) && next.putIfAbsent(name, before) == null) {
              var object = ObjectRef.of(before.vip());
              fileProblems.forEach(
                  p -> wrong.add(new ManifestProblem(p.file(), object, p.problem())));
            }
          });
    }
  }

  private Kept kept(Path file, VirtualIp vip, Kept before) {
    return before != null && before.read() == vip && before.file().equals(file)
        ? before
        : new Kept(file, vip, numbered(vip, before));
  }

  /** Whether a file has a VirtualIP, as far as it can be read. */
  private boolean stillIn(Path file, String name) {
    var parsed = files.get(file);
    return parsed != null
        && (!parsed.complete()
            || parsed.virtualIps().stream()
                .anyMatch(vip -> vip.getMetadata().getName().equals(name)));
  }

  /**
   * A VirtualIP with the generation that an API server would give it, counted from the start of
   * this process, and with a time of creation that tells only the order in which objects came.
   */
  private VirtualIp numbered(VirtualIp vip, Kept before) {
    long generation = 1;
    var created = Instant.ofEpochSecond(updates).toString();
    // A file that was saved from the API may have the marks of what is not to be run from there.
    var annotations = without(VirtualIp.MIRRORED_FROM, vip.getMetadata().getAnnotations());
    var labels = without(VirtualIp.MIRRORED, vip.getMetadata().getLabels());
    if (before != null) {
      created = before.vip().getMetadata().getCreationTimestamp();
      generation = before.vip().getMetadata().getGeneration();
      if (!Objects.equals(before.vip().getSpec(), vip.getSpec())) {
        generation++;
      }
    }
    var numbered = new VirtualIp();
    numbered.setMetadata(
        new ObjectMetaBuilder(vip.getMetadata())
            .withAnnotations(annotations)
            .withLabels(labels)
            .withGeneration(generation)
            .withCreationTimestamp(created)
            .build());
    numbered.setSpec(vip.getSpec());
    return numbered;
  }

  private static Map<String, String> without(String key, Map<String, String> all) {
    if (all == null || !all.containsKey(key)) {
      return all;
    }
    var rest = new HashMap<>(all);
    rest.remove(key);
    return rest;
  }

  private NodeFacts self() {
    boolean unclear = false;
    Node found = null;
    for (var parsed : files.values()) {
      unclear |= !parsed.complete();
      for (var node : parsed.nodes()) {
        if (node.getMetadata().getName().equals(nodeName)) {
          boolean wrong =
              parsed.problems().stream().anyMatch(p -> p.object().equals(ObjectRef.of(node)));
          unclear |= wrong;
          found = wrong ? found : node;
        }
      }
    }
    if (found != null || !unclear) {
      self = found;
    }
    return self != null
        ? NodeFacts.of(self)
        : new NodeFacts(nodeName, Map.of("kubernetes.io/hostname", nodeName), true);
  }

  /**
   * All Nodes. While a file cannot be read to its end, or has an invalid Node, the previous ones.
   */
  private List<NodeFacts> nodes() {
    boolean clear =
        files.values().stream()
            .allMatch(
                parsed ->
                    parsed.complete()
                        && parsed.problems().stream().noneMatch(p -> p.object().isNode()));
    if (clear) {
      nodes =
          files.values().stream()
              .flatMap(parsed -> parsed.nodes().stream())
              .map(NodeFacts::of)
              .toList();
    }
    return nodes;
  }

  /** All pools. While a file cannot be read to its end, the previous ones. */
  private List<VirtualIpPool> pools() {
    if (files.values().stream().allMatch(Parsed::complete)) {
      pools = files.values().stream().flatMap(parsed -> parsed.pools().stream()).toList();
    }
    return pools;
  }

  private Optional<byte[]> secret(SecretKey key) {
    if (secrets == null || !isFileName(key.name()) || !isFileName(key.key())) {
      return Optional.empty();
    }
    var file = secrets.resolve(key.name()).resolve(key.key());
    try (var in = Files.newInputStream(file)) {
      return Optional.of(in.readNBytes(SECRET_BYTES_MAX));
    } catch (IOException e) {
      LOG.debug("secret_unreadable file={}", file, e);
      return Optional.empty();
    }
  }

  private static boolean isFileName(String name) {
    return !name.isEmpty() && !name.equals(".") && !name.equals("..") && !name.contains("/");
  }

  private void tell(List<ManifestProblem> wrong) {
    var byName = new HashMap<String, List<Problem>>();
    for (var problem : wrong) {
      var object = problem.object();
      if (object.isVirtualIp()) {
        byName.computeIfAbsent(object.name(), _ -> new ArrayList<>()).add(problem.problem());
      }
      if (!logged.contains(problem)) {
        LOG.warn("manifest_problem {}", problem);
      }
    }
    logged = Set.copyOf(new HashSet<>(wrong));
    problems = Map.copyOf(byName);
  }
}
