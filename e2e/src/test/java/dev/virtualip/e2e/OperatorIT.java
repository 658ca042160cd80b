package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Keepalived;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Probe;
import io.fabric8.kubernetes.api.model.Event;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.Quantity;
import io.fabric8.kubernetes.api.model.coordination.v1.LeaseBuilder;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.readiness.Readiness;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
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
 * Two operators, real agents and a client under way, on a real API server with RBAC: what an
 * administrator does to a cluster, one thing after the other.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class OperatorIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration LATER = Duration.ofSeconds(120);

  /** Less than the 1.8 s that a crash costs; a hand-over takes a fraction on a quiet machine. */
  private static final Duration HAND_OVER_MAX = Duration.ofMillis(1_500);

  private static final String VIP =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: %s}
      spec:
        vrid: %d
        interface: eth0
        advertInterval: 500ms
        preempt: {enabled: %s}
        addresses: [{address: %s, interface: %s}]
        %s
        nodes:
          overrides: [{name: node-a, priority: 100}, {name: node-b, priority: 80}]
      """;
  private static final String WEB =
      VIP.formatted(
          "web",
          77,
          true,
          "203.0.113.10/24",
          "eth1",
          "routes: [{to: default, via: 203.0.113.1, interface: eth1}]\n"
              + "  healthChecks: [{name: nginx, http: {port: 80}, interval: 500ms}]");
  private static final String QUIET =
      VIP.formatted("quiet", 78, false, "10.0.0.100/24", "eth0", "");

  private Lab lab;
  private ClassicPair pair;
  private Cluster cluster;
  private Probe probe;

  @BeforeAll
  void start() {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    cluster = Cluster.install(lab, pair, ApiServer.real(lab, ClassicPair.CONTROL), 2);
    cluster.startWorkers();
    cluster.startOperator();
    cluster.apply(WEB);
    cluster.apply(QUIET);
    probe = Probe.start(pair.client(), ClassicPair.URL);
    cluster.await("web is on node-a", LATER, () -> cluster.isReady("web", "node-a"));
    cluster.await(
        "quiet is on the node that was there first",
        LATER,
        () -> cluster.condition("quiet", "Ready").startsWith("True"));
    haunt();
  }

  @AfterAll
  void stop() {
    if (cluster != null) {
      cluster.close();
    }
    if (lab != null) {
      lab.close();
    }
  }

  /** A node whose agent says to be master and then is not heard of any more. */
  private void haunt() {
    var room =
        Map.of("pods", new Quantity("9"), "cpu", new Quantity("8"), "memory", new Quantity("9Gi"));
    var node =
        new NodeBuilder()
            .withNewMetadata()
            .withName("ghost")
            .addToLabels("ghost", "true")
            .endMetadata()
            .withNewSpec()
            .addNewTaint("NoSchedule", "ghost", null, "true")
            .endSpec()
            .withNewStatus()
            .withCapacity(room)
            .withAllocatable(room)
            .endStatus()
            .build();
    cluster.client().resource(node).create();
    cluster.apply(
        VIP.formatted("haunted", 79, true, "203.0.113.79/24", "eth1", "")
            + "    selector: {matchLabels: {ghost: 'true'}}\n");
    cluster.await(
        "an agent is meant for the ghost",
        SOON,
        () ->
            cluster.agents().stream().anyMatch(pod -> "ghost".equals(pod.getSpec().getNodeName())));
    cluster.await(
        "the ghost is believed",
        SOON,
        () -> {
          liveAsGhost();
          return cluster.isReady("haunted", "ghost");
        });
  }

  /** Heartbeat and report, as an agent repeats them. */
  private void liveAsGhost() {
    var lease =
        new LeaseBuilder()
            .withNewMetadata()
            .withName("agent-ghost")
            .withNamespace(Cluster.NAMESPACE)
            .addToLabels("app.kubernetes.io/name", Cluster.AGENT)
            .endMetadata()
            .withNewSpec()
            .withHolderIdentity("ghost")
            .withLeaseDurationSeconds(5)
            .withRenewTime(ZonedDateTime.now(ZoneOffset.UTC))
            .endSpec()
            .build();
    cluster.client().resource(lease).forceConflicts().serverSideApply();
    patchStatus(
        "haunted",
        """
        {"master": "ghost", "nodes": {"ghost": {"state": "Master", "priority": 100,
         "since": "2026-01-01T00:00:00Z", "reason": "MasterDown", "acceptedGeneration": 1}}}""");
  }

  @Test
  @Order(1)
  void aMasterThatIsNotHeardOfIsUnknownAndANodeThatIsGoneIsForgotten() {
    cluster.await(
        "the ghost is Unknown",
        SOON,
        () -> "HeartbeatStopped".equals(cluster.status("haunted").nodes().get("ghost").reason()));
    cluster.await("nobody is master", SOON, () -> cluster.status("haunted").master() == null);
    assertTrue(cluster.condition("haunted", "Ready").startsWith("Unknown MasterUnknown"));
    cluster.client().nodes().withName("ghost").delete();
    cluster.await(
        "its report is gone",
        SOON,
        () ->
            !Objects.requireNonNullElse(cluster.status("haunted").nodes(), Map.of())
                .containsKey("ghost"));
    cluster.delete("haunted");
    // Nobody there to end it.
    cluster.agents().stream()
        .filter(pod -> "ghost".equals(pod.getSpec().getNodeName()))
        .forEach(pod -> cluster.client().resource(pod).withGracePeriod(0).delete());
  }

  @Test
  @Order(2)
  void kubectlShowsWhoIsMasterAndWhy() {
    var table = cluster.api().kubectl("get", "vip", "web", "-o", "wide").lines().toList();
    assertEquals(
        "NAME ADDRESS VRID MASTER READY AGE INTERFACE BACKUPS TRANSITIONS REASON",
        table.getFirst().replaceAll(" +", " ").strip());
    assertTrue(
        table
            .get(1)
            .matches("web +203.0.113.10/24 +77 +node-a +True +\\S+ +eth0 +1 +\\d+ +Serving *"),
        table.get(1));
    var described = cluster.api().kubectl("describe", "vip", "web");
    assertTrue(
        described.matches(
            "(?s).*Normal +Master +\\S+ +virtualip-agent +node-a is Master: (MasterDown|Preempted)"
                + " \\(was Backup, took [0-9.]+ms: decided [0-9.]+ms, advert [0-9.]+ms,"
                + " bound [0-9.]+ms, announced [0-9.]+ms\\)\n.*"),
        described);
    assertEquals(
        "False AllNodesServe: 2 of 2 nodes can serve", cluster.condition("web", "Degraded"));
    assertTrue(cluster.condition("web", "Reconciling").startsWith("False"));
    assertTrue(cluster.condition("web", "Stalled").startsWith("False"));
  }

  @Test
  @Order(3)
  void aSwitchOverIsDoneOnRequestAndUndone() {
    var from = Instant.now();
    cluster.switchTo("web", "node-b");
    cluster.await("web is on node-b", SOON, () -> cluster.isReady("web", "node-b"));
    cluster.await("it is Done", SOON, () -> switchOver().equals("node-b Done: node-b is master"));
    assertServed("switch-over", from);
    awaitTold("SwitchOverDone", "switch-over to node-b: node-b is master");
    awaitTold("Backup", "node-a is Backup: HandedOver(SwitchOver(node-b))");
    assertHistoryOfASwitchOver();
    assertEquals(
        "False AllNodesServe: 2 of 2 nodes can serve", cluster.condition("web", "Degraded"));
    from = Instant.now();
    cluster.switchTo("web", null);
    cluster.await("web is back on node-a", SOON, () -> cluster.isReady("web", "node-a"));
    cluster.await("no request is left", SOON, () -> cluster.status("web").switchOver() == null);
    assertServed("switch-over undone", from);
  }

  /** What both nodes did and how fast, as one line each; when each was done overlaps. */
  private void assertHistoryOfASwitchOver() {
    var lines = "{range .status.nodes.%s.history[*]}{.at} {.from} {.to} {.reason} {.took}{\"\\n\"}";
    var left = history(lines.formatted("node-a"));
    assertTrue(
        left.matches(
            "\\S+Z Master Backup HandedOver\\(SwitchOver\\(node-b\\)\\)"
                + " [0-9.]+ms: decided [0-9.]+ms, resigned [0-9.]+ms.*"),
        left);
    var came = history(lines.formatted("node-b"));
    assertTrue(
        came.matches(
            "\\S+Z Backup Master MasterResigned [0-9.]+ms: decided [0-9.]+ms, advert [0-9.]+ms,"
                + " bound [0-9.]+ms, announced [0-9.]+ms"),
        came);
  }

  private String history(String lines) {
    var path = "jsonpath=" + lines + "{end}";
    return cluster.api().kubectl("get", "vip", "web", "-o", path).lines().findFirst().orElse("");
  }

  @Test
  @Order(4)
  void aSwitchOverToANodeThatIsNotFitIsRefused() {
    pair.nginxB().stop();
    cluster.await(
        "node-b is at Fault",
        SOON,
        () -> "CheckFailed(nginx)".equals(cluster.status("web").nodes().get("node-b").reason()));
    cluster.switchTo("web", "node-b");
    cluster.await(
        "it is refused",
        SOON,
        () ->
            switchOver()
                .startsWith(
                    "node-b Refused: node-b can't serve VirtualIP web: Fault (CheckFailed(nginx))"));
    awaitTold(
        "SwitchOverRefused", "switch-over to node-b: node-b can't serve VirtualIP web: Fault");
    pair.nginxB().start();
    cluster.switchTo("web", null);
    cluster.await(
        "all is well", SOON, () -> cluster.condition("web", "Degraded").startsWith("False"));
    assertEquals("node-a", cluster.status("web").master());
  }

  /** Each agent may write each status: nobody acts on what only the operator may ask. */
  @Test
  @Order(4)
  void whatAForgedStatusAsksForIsDoneByNobody() {
    long web = cluster.status("web").transitions();
    var from = Instant.now();
    for (var reason : List.of("Upgrade", "Drain(cordoned)")) {
      patchStatus(
          "web",
          """
          {"handOvers": {"node-a": {"priority": 1, "reason": "%s", "since": "%s"}}}"""
              .formatted(reason, Instant.now()));
      cluster.await("the operator takes it back", SOON, () -> cluster.handOvers("web").isEmpty());
    }
    assertServed("forged requests", from);
    assertEquals(web, cluster.status("web").transitions());
    assertEquals("node-a", cluster.status("web").master());
  }

  @Test
  @Order(5)
  void aDrainedNodeHandsOverBeforeItsNginxGoes() {
    var from = Instant.now();
    cluster.api().kubectl("cordon", "node-a");
    cluster.await("web is on node-b", SOON, () -> cluster.isReady("web", "node-b"));
    cluster.await("quiet is on node-b", SOON, () -> cluster.isReady("quiet", "node-b"));
    pair.nginxA().stop();
    awaitTold("Backup", "node-a is Backup: HandedOver(Drain(cordoned))");
    cluster.await(
        "what is missing is told",
        SOON,
        () ->
            cluster
                .condition("quiet", "Degraded")
                .endsWith("node-a: handed over: Drain(cordoned)"));
    long quiet = cluster.status("quiet").transitions();
    pair.nginxA().start();
    cluster.api().kubectl("uncordon", "node-a");
    cluster.await(
        "web is back on node-a, as its settings say", SOON, () -> cluster.isReady("web", "node-a"));
    assertServed("drain and back", from);
    assertEquals("node-b", cluster.status("quiet").master(), "quiet does not preempt");
    assertEquals(quiet, cluster.status("quiet").transitions());
  }

  @Test
  @Order(6)
  void aTaintThatComesToAllNodesMovesNothing() {
    var agents = agentUids();
    long web = cluster.status("web").transitions();
    var from = Instant.now();
    var taint = "cni.example/agent-not-ready";
    cluster.api().kubectl("taint", "nodes", "--all", taint + "=:NoSchedule");
    // Who has seen the label, which comes after it on the same objects, has seen the taint.
    cluster.api().kubectl("label", "nodes", "node-a", "node-b", "tainted=true");
    cluster.apply(
        VIP.formatted("tainted", 81, true, "10.0.0.102/24", "eth0", "")
            + "    selector: {matchLabels: {tainted: 'true'}}\n");
    cluster.await(
        "both agents have seen it",
        SOON,
        () -> cluster.condition("tainted", "Degraded").startsWith("False AllNodesServe: 2 of 2"));
    cluster.delete("tainted");
    cluster.api().kubectl("label", "nodes", "node-a", "node-b", "tainted-");
    cluster.api().kubectl("taint", "nodes", "--all", taint + "-");
    assertServed("taint on all nodes", from);
    assertTrue(cluster.isReady("web", "node-a"), cluster.condition("web", "Ready"));
    assertEquals(web, cluster.status("web").transitions(), "web has not moved");
    assertEquals(agents, agentUids(), "no agent was replaced");
  }

  private Set<String> agentUids() {
    return cluster.agents().stream()
        .map(pod -> pod.getMetadata().getUid())
        .collect(Collectors.toSet());
  }

  @Test
  @Order(7)
  void aDeadKubeletChangesNothingWhileItsAgentLives() {
    cluster.node("node-a").killKubelet();
    cluster.await(
        "Kubernetes calls the agent not ready",
        SOON,
        () -> cluster.agents().stream().anyMatch(pod -> !Readiness.getInstance().isReady(pod)));
    awaitHeartbeat("node-a");
    awaitHeartbeat("node-a");
    assertTrue(cluster.isReady("web", "node-a"), cluster.condition("web", "Ready"));
    assertEquals(State.Master, cluster.status("web").nodes().get("node-a").state());
    assertEquals(
        List.of(),
        messages(event -> event.getMessage().startsWith("the agent on node-a")),
        "nobody was called Unknown");
    cluster.node("node-a").startKubelet();
  }

  private void awaitHeartbeat(String node) {
    var before = renewed(node);
    cluster.await(node + "'s heartbeat", SOON, () -> renewed(node).isAfter(before));
  }

  private ZonedDateTime renewed(String node) {
    var leases = cluster.client().leases().inNamespace(Cluster.NAMESPACE);
    return leases.withName("agent-" + node).get().getSpec().getRenewTime();
  }

  @Test
  @Order(8)
  void whatAMasterSaidLastIsCorrectedWithTheMoveWhenItsPowerIsCut() {
    cluster.node("node-a").killKubelet();
    try {
      cluster.node("node-a").proc(Cluster.AGENT).kill();
      cluster.await("web is on node-b", SOON, () -> cluster.isReady("web", "node-b"));
      cluster.await(
          "node-a is called master no more",
          SOON,
          () -> cluster.status("web").nodes().get("node-a").state() == State.Unknown);
      assertEquals(
          "Superseded",
          cluster.status("web").nodes().get("node-a").reason(),
          "by the move, not by its heartbeat, which is missed later");
    } finally {
      cluster.node("node-a").startKubelet();
    }
    cluster.await("web is back on node-a", SOON, () -> cluster.isReady("web", "node-a"));
    cluster.await(
        "quiet is Ready", SOON, () -> cluster.condition("quiet", "Ready").startsWith("True"));
    cluster.await(
        "all is well", SOON, () -> cluster.condition("quiet", "Degraded").startsWith("False"));
  }

  @Test
  @Order(9)
  void anUpgradeMovesEachVipOnceWhicheverOperatorDies() {
    long web = cluster.status("web").transitions();
    long quiet = cluster.status("quiet").transitions();
    var from = Instant.now();
    var killed = new HashMap<String, Boolean>();
    var image = "registry.example/virtualip-agent:2";
    cluster.setOperator("AGENT_IMAGE=" + image, "LOG_FORMAT=json");
    cluster.await(
        "all agents are new and nobody is asked any more",
        LATER,
        () -> {
          assertTrue(agentRuns("node-a") || agentRuns("node-b"), "both agents are away at once");
          upgraded()
              .ifPresent(
                  node -> {
                    boolean away = !agentRuns(node);
                    killLeaderOnce(killed, node + (away ? " is being replaced" : " hands over"));
                  });
          return upgraded().isEmpty() && cluster.agentsRun(2, image);
        });
    assertTrue(killed.size() >= 3, () -> "leaders were killed while " + killed.keySet());
    cluster.await("web is on node-a again", SOON, () -> cluster.isReady("web", "node-a"));
    cluster.await("quiet has moved to node-a", SOON, () -> cluster.isReady("quiet", "node-a"));
    assertServed("upgrade", from);
    assertEquals(1, cluster.status("quiet").transitions() - quiet, "quiet: handed over once");
    assertEquals(
        2, cluster.status("web").transitions() - web, "web: handed over, and preempted back");
    awaitJson("node-a", Cluster.AGENT, "state", "\"vip\":\"web\"");
    // What every operator says when it begins to work: the last one that did may be new.
    awaitJson(null, Cluster.OPERATOR, "agents_applied", "\"image\":\"" + image + "\"");
  }

  /**
   * Waits until a program has told this as JSON, and nothing in another form: on a node, or on the
   * leading operator's.
   */
  private void awaitJson(String node, String program, String what, String field) {
    Await.until(
        program + " tells " + what + " as JSON",
        SOON,
        () -> (node == null ? cluster.leader() : cluster.node(node)).proc(program).output(),
        log ->
            log.lines().allMatch(line -> line.startsWith("{\"time\":\"") && line.endsWith("}"))
                && log.lines()
                    .anyMatch(
                        line -> line.contains("\"msg\":\"" + what + "\"") && line.contains(field)));
  }

  @Test
  @Order(10)
  void withoutAnApiServerVipsMoveAndAfterwardsTheStatusIsRight() {
    cluster.api().down();
    try {
      pair.nginxA().stop();
      probe.awaitServedBy("node-b", SOON);
    } finally {
      cluster.api().up();
    }
    cluster.await("node-b is master", LATER, () -> cluster.isReady("web", "node-b"));
    awaitTold("Fault", "node-a is Fault: CheckFailed(nginx): connect");
    pair.nginxA().start();
    cluster.await("node-a is master", SOON, () -> cluster.isReady("web", "node-a"));
  }

  @Test
  @Order(11)
  void whateverIsWrongIsAConditionThatNamesIt() {
    pair.nodeB().ip("addr add 203.0.113.10/24 dev eth1");
    cluster.await(
        "the stray address is told", SOON, () -> told("StrayAddresses").startsWith("True"));
    assertEquals(
        "True BoundByOthers: node-b is not master and has 203.0.113.10/24 dev eth1: somebody else"
            + " has bound it; remove it there with ip addr del",
        told("StrayAddresses"));
    pair.nodeB().ip("addr del 203.0.113.10/24 dev eth1");
    cluster.await("it is gone", SOON, () -> told("StrayAddresses").startsWith("False"));
    lab.control()
        .sh(
            "nft add table bridge lab; nft add chain bridge lab wires"
                + " '{ type filter hook forward priority 0; }';"
                + " nft add rule bridge lab wires ip protocol 112 drop");
    cluster.await("both are master", SOON, () -> told("MultipleMasters").startsWith("True"));
    assertTrue(
        told("MultipleMasters")
            .startsWith("True PeersDoNotHearEachOther: node-a, node-b are master at once"),
        told("MultipleMasters"));
    lab.control().sh("nft delete table bridge lab");
    cluster.await("one is master", SOON, () -> told("MultipleMasters").startsWith("False"));
    cluster.await("it is node-a", SOON, () -> cluster.isReady("web", "node-a"));
    awaitTold("PeersDoNotHearEachOther", "node-a, node-b are master at once");
    awaitTold("OneMaster", "node-a is master");
  }

  @Test
  @Order(12)
  void whoeverElseUsesTheVridIsNamed() {
    var stranger = lab.host("stranger").plug("eth0", lab.wire("internal"), "10.0.0.66/24");
    // It would be backup, and silent, if it heard anybody.
    stranger.sh(
        "nft add table ip deaf; nft add chain ip deaf in '{ type filter hook input priority 0; }';"
            + " nft add rule ip deaf in ip protocol 112 drop");
    var instance =
        new Keepalived.Instance(
            "OLD",
            "eth0",
            77,
            50,
            3,
            "0.5",
            null,
            List.of("10.0.0.77/32 dev eth0"),
            List.of(),
            null,
            List.of());
    var keepalived = Keepalived.start(stranger, instance.config());
    cluster.await("the stranger is told", SOON, () -> told("VridConflict").startsWith("True"));
    keepalived.stop();
    awaitTold("ForeignSpeaker", "10.0.0.66 (OtherAddresses) uses the same VRID, heard by node-");
    assertEquals("node-a", cluster.status("web").master(), "nobody was disturbed");
  }

  @Test
  @Order(13)
  void withoutAnOperatorTheTableIsRightAboutTheMaster() {
    scaleOperators(0);
    pair.nginxA().stop();
    cluster.await(
        "kubectl says so",
        SOON,
        () ->
            cluster
                .api()
                .kubectl("get", "vip", "web")
                .matches("(?s).*\nweb +203.0.113.10/24 +77 +node-b .*"));
    scaleOperators(2);
    cluster.await("the conditions follow", LATER, () -> cluster.isReady("web", "node-b"));
    pair.nginxA().start();
    cluster.await("node-a is master", SOON, () -> cluster.isReady("web", "node-a"));
  }

  @Test
  @Order(14)
  void anOperatorThatIsStoppedLetsTheOtherOneWorkAtOnce() {
    var before = cluster.leader();
    cluster
        .client()
        .pods()
        .inNamespace(Cluster.NAMESPACE)
        .withLabel("app.kubernetes.io/name", Cluster.OPERATOR)
        .withField("spec.nodeName", before.name())
        .delete();
    cluster.await(
        "another one leads", SOON, () -> cluster.leader() != null && cluster.leader() != before);
    cluster.apply(VIP.formatted("late", 80, true, "10.0.0.101/24", "eth0", ""));
    cluster.await("it works", SOON, () -> cluster.condition("late", "Ready").startsWith("True"));
    cluster.delete("late");
  }

  @Test
  @Order(15)
  void aDeletionWaitsForNobody() {
    for (var node : List.of("node-a", "node-b")) {
      cluster.node(node).hold(Cluster.AGENT);
      cluster.node(node).proc(Cluster.AGENT).kill();
    }
    cluster.delete("web");
    cluster.delete("quiet");
    assertNull(cluster.client().resources(VirtualIp.class).withName("web").get());
    for (var node : pair.nodes()) {
      cluster.await("the leases on " + node + " end", SOON, () -> ClassicPair.isClean(node));
    }
  }

  private void killLeaderOnce(Map<String, Boolean> killed, String step) {
    var leader = killed.containsKey(step) ? null : cluster.leader();
    if (leader != null && leader.runs(Cluster.OPERATOR)) {
      leader.proc(Cluster.OPERATOR).kill();
      killed.put(step, true);
    }
  }

  /** The node whose agent is being upgraded. */
  private Optional<String> upgraded() {
    return Stream.of("web", "quiet")
        .flatMap(vip -> cluster.handOvers(vip).entrySet().stream())
        .filter(asked -> asked.getValue().reason().equals("Upgrade"))
        .map(Map.Entry::getKey)
        .findFirst();
  }

  private boolean agentRuns(String node) {
    return cluster.node(node).runs(Cluster.AGENT);
  }

  private String switchOver() {
    var switchOver = cluster.status("web").switchOver();
    return "%s %s: %s".formatted(switchOver.to(), switchOver.result(), switchOver.message());
  }

  private String told(String condition) {
    return cluster.condition("web", condition);
  }

  private void scaleOperators(int replicas) {
    var name = "deployment/" + Cluster.OPERATOR;
    cluster.api().kubectl("-n", Cluster.NAMESPACE, "scale", name, "--replicas=" + replicas);
    cluster.await(
        replicas + " operators run",
        LATER,
        () ->
            cluster.nodes().stream().filter(node -> node.runs(Cluster.OPERATOR)).count()
                == replicas);
  }

  private void patchStatus(String vip, String status) {
    cluster
        .client()
        .resources(VirtualIp.class)
        .withName(vip)
        .subresource("status")
        .patch(PatchContext.of(PatchType.JSON_MERGE), "{\"status\": " + status + "}");
  }

  /** Waits for an Event of this reason whose message begins like this. */
  private void awaitTold(String reason, String message) {
    Await.until(
        reason + " is told",
        SOON,
        () -> messages(event -> event.getReason().equals(reason)),
        told -> told.stream().anyMatch(text -> text.startsWith(message)));
  }

  private List<String> messages(Predicate<Event> about) {
    return cluster.client().v1().events().inNamespace("default").list().getItems().stream()
        .filter(about)
        .map(Event::getMessage)
        .toList();
  }

  /** The client was served since then but for a moment, which is printed. */
  private void assertServed(String what, Instant from) {
    var to = Instant.now();
    Await.until("requests have ended", SOON, () -> Instant.now().isAfter(to.plusMillis(1_200)));
    var outage = probe.longestOutage(from, to);
    System.out.printf("%s: client without service for %d ms%n", what, outage.toMillis());
    assertTrue(outage.compareTo(HAND_OVER_MAX) <= 0, "client without service for " + outage);
  }
}
