package dev.virtualip.agent.kube;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.virtualip.agent.check.PodReadiness;
import dev.virtualip.agent.client.ApiServer;
import dev.virtualip.agent.client.Informer;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.agent.source.PodSelector;
import dev.virtualip.crds.check.CheckedSpec;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.manifest.Manifests;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.log.Defects;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Secret;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes VirtualIPs, their pools, the requests to this node, its own Node and the Secrets that
 * VirtualIPs name from the API server, and follows their changes. It follows all Nodes too, once a
 * VirtualIP takes its peers from them, and pods while a VirtualIP of this node has them as real
 * servers. While the API server is away it keeps the last configuration and keeps trying.
 */
public final class KubernetesSource implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(KubernetesSource.class);
  static final JsonMapper STATUS =
      JsonMapper.builder()
          .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.READ_UNKNOWN_ENUM_VALUES_AS_NULL)
          .build();

  private static final long RECHECK_SECONDS = 10;

  /** Stands for the report of a node that runs a VirtualIP. */
  private static final NodeStatus RUNS =
      new NodeStatus(null, null, null, null, null, null, null, null);

  private final ApiServer api;
  private final String nodeName;
  private final Consumer<Desired> consumer;
  private final Informer<ObjectNode> virtualIps;
  private final Informer<ObjectNode> pools;
  private final Informer<NodeFacts> nodes;
  private final Informer<NodeFacts> allNodes;
  private final NamedSecrets secrets;
  private final Requests requests;
  private final NodePods pods;
  private final ServerPods serverPods;

  private final BlockingQueue<Boolean> changed = new ArrayBlockingQueue<>(1);
  private final Thread thread = Thread.ofVirtual().name("kubernetes-source").unstarted(this::run);
  private volatile Consumer<String> onStatus = _ -> {};

  /**
   * An object as it was read. It can be run if it has no problems.
   *
   * @param asked the request to this node that its status shows, or null
   * @param reporting the nodes that report, each with its keys of signed adverts
   */
  private record Version(
      ObjectNode object,
      VirtualIp virtualIp,
      List<Problem> problems,
      HandOver asked,
      Map<String, NodeStatus> reporting) {}

  private Map<String, Version> read = Map.of();
  private Map<String, VirtualIp> good = Map.of();
  private NodeFacts self;
  private boolean warned;
  private Desired last;
  private Map<String, List<Problem>> problems = Map.of();

  /** The last version of each VirtualIP that selected this node. */
  private final Map<String, VirtualIp> selecting = new HashMap<>();

  private volatile boolean followsAllNodes;
  private volatile boolean poolsUnknown;
  private volatile Collection<VirtualIp> running = List.of();

  /** Valid pods of each spec of the last update. */
  private Map<VirtualIpSpec, Set<PodSelector>> podsOfSpecs = Map.of();

  /**
   * Creates the informers; they do not run before {@link #start}.
   *
   * @param namespace virtualip's own namespace, with the Secrets
   * @param consumer gets the whole configuration, first when VirtualIPs and Node are known and then
   *     on each change; called on the source's own thread
   */
  public KubernetesSource(
      ApiServer api, String nodeName, String namespace, Consumer<Desired> consumer) {
    this.nodeName = nodeName;
    this.consumer = consumer;
    this.api = api;
    virtualIps = new Informer<>(api, Kinds.virtualIps(nodeName), new VirtualIpChanges());
    pools = new Informer<>(api, Kinds.POOLS, new PoolChanges());
    nodes = new Informer<>(api, Kinds.NODES.withField("metadata.name", nodeName), new Changes<>());
    allNodes = new Informer<>(api, Kinds.NODES, new Changes<>());
    secrets = new NamedSecrets(api, namespace, this::wake, NamedSecrets.PERIOD);
    requests = new Requests(api, nodeName, namespace, this::wake);
    pods = new NodePods(api, nodeName);
    serverPods = new ServerPods(api, this::wake, ServerPods.PATIENCE);
  }

  private void wake() {
    changed.offer(true);
  }

  /**
   * Starts following the API server; returns at once, whether it is there or not.
   *
   * @param onStatus gets the name of a VirtualIP whose status may have changed; must not block
   */
  public void start(Consumer<String> onStatus) {
    this.onStatus = onStatus;
    thread.start();
    virtualIps.start();
    pools.start();
    nodes.start();
    requests.start();
    secrets.start();
  }

  /** Answers pod checks. The node's pods are watched from the first question on. */
  public PodReadiness pods() {
    return pods;
  }

  /** The status of a VirtualIP as last seen from the API server; empty if it is not known. */
  public Optional<VirtualIpStatus> status(String virtualIp) {
    return Optional.ofNullable(virtualIps.get(virtualIp)).flatMap(KubernetesSource::status);
  }

  static Optional<VirtualIpStatus> status(JsonNode object) {
    try {
      var status = object.path("status");
      return Optional.of(
          status.isObject()
              ? STATUS.treeToValue(status, VirtualIpStatus.class)
              : VirtualIpStatus.EMPTY);
    } catch (JsonProcessingException e) {
      LOG.debug("status_unreadable vip={}", name(object), e);
      return Optional.empty();
    }
  }

  static String name(JsonNode object) {
    return object.path("metadata").path("name").asText();
  }

  /** Stops following. A call of the consumer may still be running. The client stays open. */
  @Override
  public void close() {
    thread.interrupt();
    virtualIps.close();
    pools.close();
    nodes.close();
    allNodes.close();
    secrets.close();
    requests.close();
    pods.close();
    serverPods.close();
  }

  /** Wakes the source's thread. */
  private class Changes<T> implements Informer.Listener<T> {
    @Override
    public void changed(T before, T now) {
      if (!Objects.equals(before, now)) {
        wake();
      }
    }

    @Override
    public void listed() {
      wake();
    }
  }

  private final class PoolChanges extends Changes<ObjectNode> {
    @Override
    public void refused(int code) {
      // A server that has just started does not know any kind yet; one that lists VirtualIPs does.
      if (code == HttpURLConnection.HTTP_NOT_FOUND && virtualIps.hasSynced()) {
        noPools();
      }
    }
  }

  private final class VirtualIpChanges extends Changes<ObjectNode> {
    @Override
    public void changed(ObjectNode before, ObjectNode now) {
      if (before == null || now == null || !asksTheSame(before, now)) {
        wake();
      }
      if (now != null) {
        onStatus.accept(name(now));
      }
    }

    /** Whether two versions differ only in what agents report, as after each write of a status. */
    private boolean asksTheSame(ObjectNode before, ObjectNode now) {
      return isSameBut(before, now)
          && asksTheSame(
              status(before).orElse(VirtualIpStatus.EMPTY),
              status(now).orElse(VirtualIpStatus.EMPTY));
    }

    private boolean asksTheSame(VirtualIpStatus before, VirtualIpStatus now) {
      return Objects.equals(asked(before), asked(now))
          && (!followsAllNodes || reporting(before).keySet().equals(reporting(now).keySet()))
          && keys(before).equals(keys(now));
    }
  }

  private void run() {
    try {
      while (true) {
        // Other nodes are not watched, so a selection that was refused has to be checked again
        // after a while.
        changed.poll(problems.isEmpty() ? Long.MAX_VALUE : RECHECK_SECONDS, TimeUnit.SECONDS);
        try {
          update();
        } catch (RuntimeException | Error e) {
          LOG.error("update_failed: all stays as it was");
          Defects.goOn(e);
        }
      }
    } catch (InterruptedException _) {
      LOG.debug("kubernetes_source_closed");
    }
  }

  private void update() throws InterruptedException {
    if (!virtualIps.hasSynced() || !nodes.hasSynced() || !knowsPools() || !knowsSelf()) {
      return;
    }
    if (!requests.known()) {
      return;
    }
    var vips = readVirtualIps();
    var unread = secrets.follow(secretNames(vips));
    if (!unread.isEmpty()) {
      if (last == null) {
        return;
      }
      vips = withoutUnread(vips, unread);
    }
    if (Desired.usesNodes(vips) && !knowsAllNodes()) {
      return;
    }
    if (!serverPods.follow(podSelectors(vips))) {
      return;
    }
    var desired =
        Desired.of(vips, self, allNodes.list(), this::secret, problems)
            .with(serverPods.pods())
            .with(readPools())
            .withTellable(tellable());
    if (!desired.equals(last)) {
      last = desired;
      consumer.accept(desired);
    }
  }

  /** Also those of the last versions, which go on where the newest ones name others. */
  private Set<String> secretNames(List<VirtualIp> vips) {
    var names = new HashSet<>(names(Desired.secretKeys(vips)));
    if (last != null) {
      names.addAll(names(Desired.secretKeys(last.virtualIps())));
    }
    return names;
  }

  /**
   * With the last versions of those that name a Secret that has not been read, or without them if
   * there is none: an API server in trouble must not look like a Secret that is missing.
   */
  private List<VirtualIp> withoutUnread(List<VirtualIp> vips, Set<String> unread) {
    return vips.stream()
        .flatMap(
            vip ->
                Collections.disjoint(names(Desired.secretKeys(List.of(vip))), unread)
                    ? Stream.of(vip)
                    : last.virtualIps().stream().filter(before -> before.isVersionOf(vip)))
        .toList();
  }

  /**
   * The VirtualIPs that this node runs, in the versions that it runs: where the newest version is
   * refused, the pods of the one that goes on are followed too.
   */
  public void running(Collection<VirtualIp> versions) {
    running = List.copyOf(versions);
    changed.offer(true);
  }

  /** The pods of what this node runs and of what it is about to run. */
  private Set<PodSelector> podSelectors(List<VirtualIp> vips) {
    var specs = new IdentityHashMap<VirtualIpSpec, Set<PodSelector>>();
    Stream.concat(
            running.stream(),
            vips.stream().filter(vip -> vip.getSpec() != null && self.selectedBy(vip)))
        .filter(vip -> !vip.getSpec().virtualServers().isEmpty() || vip.getSpec().egress() != null)
        .forEach(
            vip -> {
              var before = podsOfSpecs.get(vip.getSpec());
              specs.put(vip.getSpec(), before == null ? validPodSelectors(vip) : before);
            });
    podsOfSpecs = specs;
    return specs.values().stream().flatMap(Set::stream).collect(Collectors.toSet());
  }

  /** A spec that is not valid is not run, and the API server might refuse what it asks for. */
  private static Set<PodSelector> validPodSelectors(VirtualIp vip) {
    return CheckedSpec.check(vip).isGood() ? Desired.podSelectors(vip.getSpec()) : Set.of();
  }

  /**
   * All nodes are watched only if they are needed: each agent that does so is a load on the API
   * server.
   */
  private boolean knowsAllNodes() {
    if (!followsAllNodes) {
      followsAllNodes = true;
      allNodes.start();
    }
    return allNodes.hasSynced();
  }

  /**
   * Pools that cannot be read might refuse what would run. Only an API server that does not know
   * the kind, as its CRDs are older than this agent, has none.
   */
  private boolean knowsPools() {
    return poolsUnknown || pools.hasSynced();
  }

  private void noPools() {
    if (!poolsUnknown) {
      poolsUnknown = true;
      changed.offer(true);
    }
  }

  private List<VirtualIpPool> readPools() {
    return pools.list().stream()
        .sorted(Comparator.comparing(KubernetesSource::name))
        .map(Manifests::lenientPool)
        .toList();
  }

  /** A missing Node object changes nothing after the first time: the node still runs this agent. */
  private boolean knowsSelf() {
    var node = nodes.get(nodeName);
    if (node != null) {
      self = node;
    } else if (self == null && !warned) {
      warned = true;
      LOG.warn("no_node name={}: give --node the name of this machine's Node object", nodeName);
    }
    return self != null;
  }

  private List<VirtualIp> readVirtualIps() throws InterruptedException {
    var next = new HashMap<String, VirtualIp>();
    var wrong = new HashMap<String, List<Problem>>();
    var versions = new HashMap<String, Version>();
    for (var object : virtualIps.list()) {
      var name = name(object);
      var version = version(read.get(name), object);
      versions.put(name, version);
      var own = version.problems();
      if (own.isEmpty() && !waitsForVrid(version.virtualIp())) {
        next.put(name, version.virtualIp());
        continue;
      }
      if (!own.isEmpty()) {
        wrong.put(name, own);
        if (!own.equals(problems.get(name))) {
          LOG.warn("virtualip_unreadable vip={} problems={}", name, own);
        }
      }
      var before = good.get(name);
      if (before != null && before.isVersionOf(Kinds.uid(object))) {
        next.put(name, before);
      }
    }
    read = versions;
    good = Map.copyOf(next);
    refuseEmptySelections(next, wrong);
    problems = Map.copyOf(wrong);
    return next.values().stream().map(this::withStatus).toList();
  }

  /** The operator writes one in a moment, or says in the status why there is none. */
  private static boolean waitsForVrid(VirtualIp vip) {
    return vip.getSpec() != null && vip.getSpec().vrid() == null;
  }

  /**
   * Parses an object, unless it has the same metadata and spec as when it was parsed last. There
   * may be thousands, and each edit of one comes by here.
   */
  private Version version(Version before, ObjectNode object) {
    if (before != null && before.object() == object) {
      return before;
    }
    if (before != null && isSameBut(before.object(), object)) {
      return version(object, before.virtualIp(), before.problems());
    }
    var problems = new ArrayList<Problem>();
    var vip = Manifests.lenientVirtualIp(object, problems);
    if (vip != null) {
      vip = Desired.stripped(vip);
      vip.setStatus(null);
    }
    return version(object, vip, List.copyOf(problems));
  }

  private Version version(ObjectNode object, VirtualIp vip, List<Problem> problems) {
    var status = status(object).orElse(VirtualIpStatus.EMPTY);
    return new Version(object, vip, problems, asked(status), reporting(status));
  }

  /** Whether two versions differ in their status at most. */
  private static boolean isSameBut(ObjectNode before, ObjectNode now) {
    return before.path("metadata").equals(now.path("metadata"))
        && before.path("spec").equals(now.path("spec"));
  }

  /**
   * A version of a VirtualIP; its status has the present request to this node, and the names of the
   * nodes that run it.
   */
  private VirtualIp withStatus(VirtualIp version) {
    var name = version.getMetadata().getName();
    var asked = requests.asked(name, read.get(name).asked());
    var running = running(version, read.get(name).reporting());
    if (asked == null && running.isEmpty()) {
      return version;
    }
    return version.withStatus(
        new VirtualIpStatus(
            null,
            null,
            null,
            null,
            running.isEmpty() ? null : running,
            asked == null ? null : Map.of(nodeName, asked),
            null,
            null));
  }

  /**
   * The nodes that run a VirtualIP; of their reports the keys of signed adverts at most. Other
   * nodes only where they are peers or have such keys.
   */
  private Map<String, NodeStatus> running(VirtualIp version, Map<String, NodeStatus> reporting) {
    var spec = version.getSpec();
    boolean signed =
        spec != null && spec.authentication() != null && spec.authentication().hmac() != null;
    var names = new HashSet<>(signed ? reporting.keySet() : Set.<String>of());
    if (spec != null && spec.nodes().selector() == null) {
      names.addAll(selected(version, reporting.keySet()));
    }
    return names.stream()
        .collect(Collectors.toMap(name -> name, name -> reporting.getOrDefault(name, RUNS)));
  }

  private Set<String> selected(VirtualIp version, Set<String> reporting) {
    var names = new HashSet<>(reporting);
    var before = selecting.get(version.getMetadata().getName());
    if (before != null && before.isVersionOf(version)) {
      names.add(nodeName);
    }
    if (!version.getSpec().nodesArePeers()) {
      names.retainAll(Set.of(nodeName));
    }
    return names;
  }

  private static Map<String, NodeStatus> reporting(VirtualIpStatus status) {
    return status.nodes() == null
        ? Map.of()
        : status.nodes().entrySet().stream()
            .collect(Collectors.toMap(Map.Entry::getKey, node -> runs(node.getValue())));
  }

  /** A report without all but the keys of the node, and whether it takes part or is heard of. */
  private static NodeStatus runs(NodeStatus report) {
    if (report == null || report.hmac() == null) {
      return RUNS;
    }
    // A failover is no reason to plan anew.
    boolean same = report.state() == State.Master;
    return new NodeStatus(same ? State.Backup : report.state(), report.hmac());
  }

  /** The nodes and their keys; empty where adverts are not signed. */
  private static Map<String, NodeStatus> keys(VirtualIpStatus status) {
    boolean signed =
        status.nodes() != null
            && status.nodes().values().stream()
                .anyMatch(report -> report != null && report.hmac() != null);
    return signed ? reporting(status) : Map.of();
  }

  private HandOver asked(VirtualIpStatus status) {
    return status.handOvers() == null ? null : status.handOvers().get(nodeName);
  }

  /**
   * Refuses an edit after which no node is selected. It is taken for a slip, and the version that
   * runs here goes on.
   */
  private void refuseEmptySelections(Map<String, VirtualIp> next, Map<String, List<Problem>> wrong)
      throws InterruptedException {
    selecting.keySet().retainAll(next.keySet());
    for (var vip : List.copyOf(next.values())) {
      var name = vip.getMetadata().getName();
      var before = selecting.get(name);
      if (vip.getSpec() == null || self.selectedBy(withStatus(vip))) {
        selecting.put(name, vip);
      } else if (before == null || !edited(before, vip)) {
        selecting.remove(name);
      } else {
        var own = selectionProblems(vip);
        if (own.isEmpty()) {
          selecting.remove(name);
        } else {
          wrong.put(name, own);
          next.put(name, before);
        }
      }
    }
  }

  private static boolean edited(VirtualIp before, VirtualIp now) {
    return before.isVersionOf(now) && !Objects.equals(before.getSpec(), now.getSpec());
  }

  private List<Problem> selectionProblems(VirtualIp vip) throws InterruptedException {
    try {
      return NodeFacts.selectionProblems(withStatus(vip), api.list(Kinds.NODES));
    } catch (IOException e) {
      LOG.warn("nodes_not_listed error=\"{}\": going on as before", e.getMessage());
      return List.of(
          new Problem(
              Problem.Kind.NoNodeSelected,
              "spec.nodes",
              "the nodes it selects could not be read yet"));
    }
  }

  /**
   * Whoever may write VirtualIPs has notifications sent where he likes: not each Secret is for
   * that.
   */
  private Set<String> tellable() {
    return secrets.secrets().stream()
        .map(Secret::getMetadata)
        .filter(metadata -> metadata.getLabels() != null)
        .filter(metadata -> "true".equals(metadata.getLabels().get(Notifications.SECRET_LABEL)))
        .map(ObjectMeta::getName)
        .collect(Collectors.toSet());
  }

  private static Set<String> names(Set<SecretKey> keys) {
    return keys.stream().map(SecretKey::name).collect(Collectors.toSet());
  }

  private Optional<byte[]> secret(SecretKey key) {
    return secrets.secrets().stream()
        .filter(secret -> secret.getMetadata().getName().equals(key.name()))
        .findAny()
        .map(Secret::getData)
        .map(data -> data.get(key.key()))
        .map(Base64.getDecoder()::decode);
  }
}
