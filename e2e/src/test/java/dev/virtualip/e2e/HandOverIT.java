package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Holding;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import dev.virtualip.e2e.lab.Owners;
import dev.virtualip.e2e.lab.Probe;
import dev.virtualip.e2e.lab.Program;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.Watch;
import io.fabric8.kubernetes.client.Watcher;
import io.fabric8.kubernetes.client.WatcherException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * Planned hand-overs among three nodes, each of them of a plain VirtualIP, of one with exclusive
 * leases that does not preempt, and of a sync group, with clients under way.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class HandOverIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration LATER = Duration.ofSeconds(120);

  /** Less than the 3.6 s that a crash costs; a hand-over takes a skew time at most, 0.8 s. */
  private static final Duration HAND_OVER_MAX = Duration.ofMillis(3_000);

  /** Of web's backup, priority 100 (0.609 s): nobody has the address for so long without a word. */
  private static final Duration SKEW = Duration.ofMillis(500);

  /** What the whole skews of node-b and node-c, priorities 100 and 50, differ by, but for 45 ms. */
  private static final double LATE_MS = 150;

  /** Who has an address for so long is told to be its master. */
  private static final Duration LASTING = Duration.ofSeconds(2);

  private static final Pattern DECIDED =
      Pattern.compile("is Master: .* took .*: decided ([0-9.]+)ms");

  private static final String GOOD = "registry.example/virtualip-agent:2";
  private static final String BROKEN = "registry.example/broken:1";
  private static final String STRICT = "203.0.113.20";
  private static final String OUTSIDE = "203.0.113.30";
  private static final String INSIDE = "10.0.0.100";
  private static final List<String> VIP_NAMES = List.of("web", "strict", "outside", "inside");
  private static final List<String> GROUP = List.of("outside", "inside");

  private static final String VIPS =
      """
      web:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1}]
        healthChecks: [{name: nginx, http: {port: 80}, interval: 500ms}]
      strict:
        vrid: 78
        interface: eth0
        lease: {policy: Exclusive}
        preempt: {enabled: false}
        addresses: [{address: 203.0.113.20/24, interface: eth1}]
        routes: [{to: default, via: 203.0.113.1, interface: eth1, metric: 20}]
      outside:
        vrid: 79
        interface: eth0
        syncGroup: gateway
        addresses: [{address: 203.0.113.30/24, interface: eth1}]
      inside:
        vrid: 80
        interface: eth0
        syncGroup: gateway
        addresses: [{address: 10.0.0.100/24}]
      """;

  private static final String HEAD =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        nodes:
          selector: {matchLabels: {edge: "true"}}
          overrides:
            - {name: node-a, priority: 150}
            - {name: node-b, priority: 100}
            - {name: node-c, priority: 50}
      """;

  private final Queue<Written> written = new ConcurrentLinkedQueue<>();
  private Lab lab;
  private ClassicPair pair;
  private List<Host> hosts;
  private Cluster cluster;
  private Owners owners;
  private Probe web;
  private Probe strict;
  private Watch masters;
  private Instant begun;

  /** Master or Ready of a VirtualIP was written, and a watch has told so at this time. */
  private record Written(Instant time, String vip, String master, String ready) {}

  /** How often each VirtualIP had moved at a time, in whole seconds as Events have them. */
  private record Counted(Instant at, Map<String, Long> transitions) {}

  @BeforeAll
  void start() {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    var third =
        lab.host("node-c")
            .plug("eth0", lab.wire("internal"), "10.0.0.13/24")
            .plug("eth1", lab.wire("public"));
    Nginx.start(third);
    hosts = List.of(pair.nodeA(), pair.nodeB(), third);
    owners = Owners.watch(hosts);
    cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL));
    cluster.startOperator();
    var programs = new HashMap<>(Program.built());
    programs.put("broken", new Program.Command("sh", "-c", "exit 3"));
    for (int i = 0; i < hosts.size(); i++) {
      cluster.join(hosts.get(i), "10.0.0.1" + (i + 1), Map.of("edge", "true"), programs);
    }
    masters = cluster.client().resources(VirtualIp.class).watch(new Masters());
    for (var vip : VIPS.split("\n(?=\\w)")) {
      var nameAndSpec = vip.split(":\n", 2);
      cluster.apply(HEAD.formatted(nameAndSpec[0]) + nameAndSpec[1]);
    }
    awaitMaster("node-a", "web", "outside", "inside");
    // It does not preempt: node-a need not have been the first.
    cluster.switchTo("strict", "node-a");
    awaitMaster("node-a", "strict");
    cluster.switchTo("strict", null);
    web = Probe.start(pair.client(), ClassicPair.URL);
    strict = Probe.start(pair.client(), "http://" + STRICT + "/");
    web.awaitServedBy("node-a", SOON);
    strict.awaitServedBy("node-a", SOON);
    begun = Instant.now();
  }

  @AfterAll
  void stop() {
    if (masters != null) {
      masters.close();
    }
    if (cluster != null) {
      cluster.close();
    }
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  @Order(1)
  void whatIsSettledIsNotWrittenAgain() {
    assertEquals("ok\n", operator("healthz"));
    assertEquals("ok\n", operator("readyz"));
    cluster.await(
        "a pass over all that writes nothing",
        LATER,
        () -> {
          double passes = metric("virtualip_operator_passes_seconds_count");
          double writes = metric("virtualip_operator_status_writes_total");
          var versions = versions();
          // Labels decide about placement: a reason to look.
          label("node-c", "seen=" + (long) passes);
          Await.until(
              "it has looked",
              SOON,
              () -> metric("virtualip_operator_passes_seconds_count") > passes);
          return writes == metric("virtualip_operator_status_writes_total")
              && versions.equals(versions());
        });
    var condition = "virtualip_condition{type=\"%s\",vip=\"web\"}";
    cluster.await(
        "conditions are counted",
        SOON,
        () ->
            metric(condition.formatted("Ready")) == 1
                && metric(condition.formatted("Degraded")) == 0);
  }

  /** An agent whose watch is refused lists again and again: it works, and is seconds late. */
  @Test
  @Order(1)
  void noAgentsWatchIsRefused() {
    for (var host : hosts) {
      var log = cluster.node(host.name()).proc("agent").output();
      assertFalse(log.matches("(?s).*watch_failed [^\n]*HTTP status.*"), log);
    }
  }

  /** Of the VirtualIPs: each write, whoever makes it, is a new one. */
  private Map<String, String> versions() {
    return cluster.client().resources(VirtualIp.class).list().getItems().stream()
        .collect(
            Collectors.toMap(
                vip -> vip.getMetadata().getName(), vip -> vip.getMetadata().getResourceVersion()));
  }

  @Test
  @Order(2)
  void aSwitchOverMovesAnExclusiveOneAndAWholeSyncGroup() {
    var from = Instant.now();
    cluster.switchTo("strict", "node-b");
    awaitMaster("node-b", "strict");
    assertStrictServed("switch-over", from);
    cluster.switchTo("strict", null);

    var before = counted();
    cluster.switchTo("outside", "node-c");
    awaitMaster("node-c", "outside", "inside");
    for (var member : GROUP) {
      cluster.await(
          member + " is told so",
          SOON,
          () -> "node-c is master".equals(cluster.status(member).switchOver().message()));
    }
    assertTogetherOn(hosts.get(2));
    cluster.switchTo("outside", null);
    awaitMaster("node-a", "outside", "inside");
    assertTogetherOn(hosts.get(0));
    assertMoved(before, Map.of("outside", 2L, "inside", 2L));
    assertEquals("node-b", cluster.status("strict").master(), "it does not preempt");
  }

  @Test
  @Order(3)
  void aLabelDrainsWhateverIsOnTheNode() {
    var before = counted();
    var from = Instant.now();
    label("node-b", "virtualip.dev/drain=true");
    awaitMaster("node-a", "strict");
    assertStrictServed("drain", from);
    label("node-b", "virtualip.dev/drain-");
    cluster.await("node-b takes part as before", SOON, () -> priority("web", "node-b") == 100);

    from = Instant.now();
    label("node-a", "virtualip.dev/drain=true");
    awaitMaster("node-b", "web", "strict", "outside", "inside");
    pair.nginxA().stop();
    assertTogetherOn(hosts.get(1));
    awaitTold(
        "default", "node-a is Backup: HandedOver\\(Drain\\(label virtualip.dev/drain\\)\\).*");
    assertWebServed("drain by a label", from);
    assertStrictServed("drain", from);
    pair.nginxA().start();
    var back = Instant.now();
    label("node-a", "virtualip.dev/drain-");
    awaitMaster("node-a", "web", "outside", "inside");
    assertWebServed("drain ended", back);
    assertMoved(before, Map.of("web", 2L, "strict", 2L, "outside", 2L, "inside", 2L));
    assertEquals(List.of(), shownAsNotServed("web", from), "kubectl get vip says it is served");
    tellHowSoonTheStatusIsRight();
  }

  @Test
  @Order(4)
  void anUpgradeToABadImagePausesAndSaysSoWhileDrainsGoOn() {
    var before = counted();
    var pods = agents();
    var from = Instant.now();
    // The node that is master of nothing comes first.
    cluster.setOperator(
        "AGENT_IMAGE=registry.example/no-such:2", "DRAIN_ON=taint:example.com/leaving");
    cluster.await(
        "the new agent of node-c is tried", LATER, () -> trouble("node-c").contains("no-such:2"));
    awaitTold(
        Cluster.NAMESPACE,
        "the new agent on node-c is not ready: (ErrImagePull|ImagePullBackOff): .*no-such:2");
    assertEquals(1, paused(), "virtualip_agents_upgrade_paused");
    cluster.await(
        "Degraded names it",
        SOON,
        () ->
            cluster
                .condition("web", "Degraded")
                .matches("True NodesMissing: 2 of 3 .*node-c: .*Upgrade"));
    assertMoved(before, Map.of());
    var now = agents();
    assertEquals(
        List.of(uid(pods, "node-a"), uid(pods, "node-b")),
        List.of(uid(now, "node-a"), uid(now, "node-b")),
        "the others run on");

    cluster.api().kubectl("taint", "node", "node-a", "example.com/leaving=now:PreferNoSchedule");
    awaitMaster("node-b", "web", "outside", "inside");
    assertTogetherOn(hosts.get(1));
    awaitTold(
        "default", "node-a is Backup: HandedOver\\(Drain\\(taint example.com/leaving\\)\\).*");
    cluster.api().kubectl("taint", "node", "node-a", "example.com/leaving-");
    awaitMaster("node-a", "web", "outside", "inside");
    assertWebServed("paused upgrade, drain by a taint and back", from);
  }

  @Test
  @Order(5)
  void withAGoodImageItGoesOnAndMovesEachOnce() {
    putStrictOn("node-b");
    var before = counted();
    var from = Instant.now();
    cluster.setOperator("AGENT_IMAGE=" + GOOD, "DRAIN_ON=none");
    awaitUpgraded();
    awaitMaster("node-a", "web", "outside", "inside");
    cluster.await(
        "strict is with one that was upgraded before",
        SOON,
        () -> cluster.isReady("strict", "node-c"));
    assertTogetherOn(hosts.get(0));
    assertMoved(before, Map.of("web", 2L, "strict", 1L, "outside", 2L, "inside", 2L));
    assertWebServed("upgrade of three nodes", from);
    assertStrictServed("upgrade of three nodes", from);
    cluster.await("it is not paused", SOON, () -> paused() == 0);
    assertFalse(
        told("default").stream().anyMatch(text -> text.contains("not ready")),
        "agents that are replaced are missed by nobody");
    var to = Instant.now();
    owners.compareWithKernel(List.of(STRICT));
    assertEquals(
        Duration.ZERO,
        Holding.of(owners.changes(), List.of(STRICT), begun, to).two(),
        "time with two owners of " + STRICT);
  }

  @Test
  @Order(6)
  void anUpgradeToAnAgentThatCrashesIsTakenBack() {
    putStrictOn("node-c");
    var before = counted();
    var pods = agents();
    cluster.setOperator("AGENT_IMAGE=" + BROKEN);
    cluster.await(
        "the new agent of node-b is tried", LATER, () -> trouble("node-b").contains("Crash"));
    cluster.setOperator("AGENT_IMAGE=" + GOOD);
    awaitUpgraded();
    var now = agents();
    assertEquals(
        List.of(uid(pods, "node-a"), uid(pods, "node-c")),
        List.of(uid(now, "node-a"), uid(now, "node-c")),
        "who runs the good one stays");
    assertMoved(before, Map.of());
  }

  @Test
  @Order(7)
  void nodesAreNotDrainedWhereThatIsSwitchedOff() {
    label("node-a", "virtualip.dev/drain=true");
    cluster.api().kubectl("cordon", "node-a");
    // Both were seen when this is done, which comes after them.
    cluster.switchTo("strict", "node-b");
    awaitMaster("node-b", "strict");
    assertEquals(List.of("strict node-a", "strict node-c"), asked());
    assertTrue(cluster.isReady("web", "node-a"));
    cluster.switchTo("strict", null);
    cluster.api().kubectl("uncordon", "node-a");
  }

  @Test
  @Order(8)
  void aMasterThatIsSelectedNoMoreHandsOverBeforeItsAgentGoes() {
    var before = counted();
    var from = Instant.now();
    label("node-a", "edge-");
    awaitMaster("node-b", "web", "outside", "inside");
    assertTogetherOn(hosts.get(1));
    cluster.await("node-a has no agent", SOON, () -> !cluster.node("node-a").runs(Cluster.AGENT));
    cluster.await("nor a report", SOON, () -> !cluster.status("web").nodes().containsKey("node-a"));
    cluster.await("nor a Lease", SOON, () -> !hasLease("node-a"));
    assertWebServed("master that is not selected any more", from);
    owners.compareWithKernel(List.of(ClassicPair.VIP));
    var none = Holding.of(owners.changes(), List.of(ClassicPair.VIP), from, Instant.now()).none();
    assertTrue(none.compareTo(SKEW) < 0, "without an owner for " + none);
    awaitTold("default", "node-a is Backup: HandedOver\\(Deselected\\).*");
    assertEquals(
        List.of(),
        told("default").stream().filter(text -> text.contains("Fault: De")).toList(),
        "that is no fault");
    label("node-a", "edge=true");
    awaitMaster("node-a", "web", "outside", "inside");
    assertMoved(before, Map.of("web", 2L, "outside", 2L, "inside", 2L));
  }

  private boolean hasLease(String node) {
    var leases = cluster.client().leases().inNamespace(Cluster.NAMESPACE);
    return leases.withName("agent-" + node).get() != null;
  }

  @Test
  @Order(9)
  void agentsAreWhereNodesAreSelectedAndNowhereElse() {
    var before = counted();
    var pods = agents();
    label("node-c", "edge-");
    cluster.await("node-c has no agent", SOON, () -> !cluster.node("node-c").runs(Cluster.AGENT));
    cluster.await("nor a report", SOON, () -> !cluster.status("web").nodes().containsKey("node-c"));
    label("node-c", "edge=true");
    cluster.await(
        "it is back",
        SOON,
        () -> cluster.condition("web", "Degraded").startsWith("False AllNodesServe: 3 of 3"));
    var now = agents();
    assertEquals(
        List.of(uid(pods, "node-a"), uid(pods, "node-b")),
        List.of(uid(now, "node-a"), uid(now, "node-b")),
        "that concerns nobody else");
    assertMoved(before, Map.of());
    VIP_NAMES.forEach(cluster::delete);
    cluster.await("there is no agent", SOON, () -> agents().isEmpty());
    cluster.await("nor anything to make one", SOON, () -> daemonSet() == null);
    for (var address : List.of(ClassicPair.VIP, STRICT, OUTSIDE, INSIDE)) {
      cluster.await("nobody has " + address, SOON, () -> owners.of(address).isEmpty());
    }
  }

  private DaemonSet daemonSet() {
    return cluster
        .client()
        .apps()
        .daemonSets()
        .inNamespace(Cluster.NAMESPACE)
        .withName(Cluster.AGENT)
        .get();
  }

  /**
   * The order of an upgrade follows from it; as it does not preempt, a busy machine may have moved
   * it.
   */
  private void putStrictOn(String node) {
    if (!cluster.isReady("strict", node)) {
      cluster.switchTo("strict", node);
      awaitMaster(node, "strict");
      cluster.switchTo("strict", null);
      cluster.await("nobody is asked any more", SOON, () -> asked().isEmpty());
    }
  }

  private void awaitMaster(String node, String... vips) {
    for (var vip : vips) {
      cluster.await(vip + " is on " + node, LATER, () -> cluster.isReady(vip, node));
    }
  }

  /** The group's addresses are both there, and nowhere else. */
  private void assertTogetherOn(Host host) {
    cluster.await(
        "the group is on " + host,
        SOON,
        () ->
            Stream.of(OUTSIDE, INSIDE)
                .allMatch(address -> owners.of(address).equals(Set.of(host.name()))));
  }

  private Counted counted() {
    var at = Instant.now().truncatedTo(ChronoUnit.SECONDS);
    var transitions = new TreeMap<String, Long>();
    for (var vip : VIP_NAMES) {
      transitions.put(vip, cluster.status(vip).transitions());
    }
    return new Counted(at, transitions);
  }

  /**
   * How often each has moved since; those that are not named have not. A backup that decided later
   * than its skew differs from the next one's was overtaken and preempts, as in any VRRP (RFC 9568,
   * 6.1): on a busy machine that is one move more, and no other is excused.
   */
  private void assertMoved(Counted before, Map<String, Long> expected) {
    var moved = new TreeMap<String, Long>();
    counted()
        .transitions()
        .forEach(
            (vip, now) -> {
              long moves = now - before.transitions().get(vip);
              long wanted = expected.getOrDefault(vip, 0L);
              boolean excused = moves > wanted && moves - wanted <= lateMoves(vip, before.at());
              if (moves > 0) {
                moved.put(vip, excused ? wanted : moves);
              }
            });
    assertEquals(new TreeMap<>(expected), moved, () -> "hand-overs\n" + cluster.events());
  }

  /** How often a node became master of it late since then. */
  private long lateMoves(String vip, Instant since) {
    return cluster.client().v1().events().inNamespace("default").list().getItems().stream()
        .filter(event -> event.getInvolvedObject().getName().equals(vip))
        .filter(event -> !Instant.parse(event.getLastTimestamp()).isBefore(since))
        .map(event -> DECIDED.matcher(event.getMessage()))
        .filter(decided -> decided.find() && Double.parseDouble(decided.group(1)) >= LATE_MS)
        .count();
  }

  private void awaitUpgraded() {
    cluster.await(
        "all agents are new and nobody is asked any more",
        LATER,
        () -> {
          assertTrue(
              cluster.nodes().stream().filter(node -> node.runs(Cluster.AGENT)).count() >= 2,
              "two agents are away at once");
          return asked().isEmpty() && cluster.agentsRun(3, GOOD);
        });
  }

  /** By which a node takes part now. */
  private int priority(String vip, String node) {
    return cluster.status(vip).nodes().get(node).priority();
  }

  /** Who is asked to hand over what, or to wait behind others. */
  private List<String> asked() {
    var asked = new ArrayList<String>();
    for (var vip : VIP_NAMES) {
      cluster.handOvers(vip).keySet().forEach(node -> asked.add(vip + " " + node));
    }
    return asked;
  }

  /** The agents' pods by node. */
  private Map<String, Pod> agents() {
    var pods = new TreeMap<String, Pod>();
    cluster.agents().forEach(pod -> pods.put(String.valueOf(pod.getSpec().getNodeName()), pod));
    return pods;
  }

  private static String uid(Map<String, Pod> pods, String node) {
    return pods.get(node).getMetadata().getUid();
  }

  private String trouble(String node) {
    var state = agents().get(node).getStatus().getContainerStatuses().getFirst().getState();
    return state.getWaiting().getReason() + ": " + state.getWaiting().getMessage();
  }

  private double paused() {
    return metric("virtualip_agents_upgrade_paused");
  }

  private double metric(String name) {
    return operator("metrics")
        .lines()
        .filter(line -> line.startsWith(name + " "))
        .mapToDouble(line -> Double.parseDouble(line.substring(name.length())))
        .findFirst()
        .orElseThrow();
  }

  /** What the operator answers. */
  private String operator(String path) {
    return cluster.leader().host().get("http://127.0.0.1:9406/" + path);
  }

  private void label(String node, String label) {
    cluster.api().kubectl("label", "--overwrite", "node", node, label);
  }

  /** Waits for an Event with a message that begins like this. */
  private void awaitTold(String namespace, String pattern) {
    Await.until(
        pattern + " is told",
        SOON,
        () -> told(namespace),
        told -> told.stream().anyMatch(text -> text.matches("(?s)" + pattern)));
  }

  private List<String> told(String namespace) {
    return cluster.client().v1().events().inNamespace(namespace).list().getItems().stream()
        .map(Event::getMessage)
        .toList();
  }

  private void assertWebServed(String what, Instant from) {
    assertServed(what, web, from);
  }

  private void assertStrictServed(String what, Instant from) {
    assertServed(what + ", exclusive leases", strict, from);
  }

  /** The client was served since then but for a moment, which is printed. */
  private static void assertServed(String what, Probe probe, Instant from) {
    var to = Instant.now();
    Await.until("requests have ended", SOON, () -> Instant.now().isAfter(to.plusMillis(1_200)));
    var outage = probe.longestOutage(from, to);
    System.out.printf("%s: client without service for %d ms%n", what, outage.toMillis());
    assertTrue(outage.compareTo(HAND_OVER_MAX) <= 0, "client without service for " + outage);
  }

  /** What a watch has told of a VirtualIP since then that a client might take for an outage. */
  private List<Written> shownAsNotServed(String vip, Instant since) {
    return written.stream()
        .filter(w -> w.vip().equals(vip) && w.time().isAfter(since))
        .filter(w -> w.master() == null || !w.ready().startsWith("True"))
        .toList();
  }

  /**
   * From the address's arrival on another node until a watch told that this is master. A node that
   * took over late has it for a moment, which no status tells (see {@link #lateMoves}).
   */
  private void tellHowSoonTheStatusIsRight() {
    var arrivals = arrivalsOnAnotherNode();
    var took = new ArrayList<Long>();
    for (int i = 0; i < arrivals.size(); i++) {
      var next = i + 1 < arrivals.size() ? arrivals.get(i + 1).time() : Instant.MAX;
      if (next.isAfter(arrivals.get(i).time().plus(LASTING))) {
        took.add(Duration.between(arrivals.get(i).time(), toldAfter(arrivals.get(i))).toMillis());
      }
    }
    assertFalse(took.isEmpty());
    System.out.printf("MASTER of kubectl get vip is right after %s ms%n", took);
  }

  private List<Owners.Change> arrivalsOnAnotherNode() {
    var arrivals = new ArrayList<Owners.Change>();
    var last = "";
    for (var change : owners.changes()) {
      boolean there = change.there() && change.address().equals(ClassicPair.VIP);
      if (there && !change.host().equals(last) && change.time().isAfter(begun)) {
        arrivals.add(change);
      }
      last = there ? change.host() : last;
    }
    return arrivals;
  }

  private Instant toldAfter(Owners.Change change) {
    return Await.until(
        change + " is told",
        SOON,
        () ->
            written.stream()
                .filter(w -> w.vip().equals("web") && change.host().equals(w.master()))
                .map(Written::time)
                .filter(change.time()::isBefore)
                .findFirst()
                .orElse(null),
        Objects::nonNull);
  }

  private final class Masters implements Watcher<VirtualIp> {
    private final Map<String, Written> last = new HashMap<>();

    @Override
    public void eventReceived(Action action, VirtualIp vip) {
      var status = vip.getStatus();
      var name = vip.getMetadata().getName();
      var now =
          new Written(
              Instant.now(),
              name,
              status == null ? null : status.master(),
              status == null ? "" : ready(status));
      var before = last.put(name, now);
      if (before == null
          || !Objects.equals(before.master(), now.master())
          || !before.ready().equals(now.ready())) {
        written.add(now);
      }
    }

    private static String ready(VirtualIpStatus status) {
      return Objects.requireNonNullElse(status.conditions(), List.<Condition>of()).stream()
          .filter(condition -> condition.getType().equals("Ready"))
          .map(condition -> condition.getStatus() + " " + condition.getReason())
          .findFirst()
          .orElse("");
    }

    @Override
    public void onClose(WatcherException cause) {}
  }
}
