package dev.virtualip.agent.kube;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import dev.virtualip.agent.Await;
import dev.virtualip.agent.check.PodReadiness.Readiness;
import dev.virtualip.agent.client.MockApi;
import dev.virtualip.agent.source.Desired;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.LabelSelector;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpStatus.HandOver;
import dev.virtualip.crds.schema.VirtualIpStatus.HmacStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.log.LogLevel;
import io.fabric8.kubernetes.api.model.ConfigMap;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeBuilder;
import io.fabric8.kubernetes.api.model.PodBuilder;
import io.fabric8.kubernetes.api.model.SecretBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.dsl.NonDeletingOperation;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import io.fabric8.kubernetes.client.server.mock.EnableKubernetesMockClient;
import io.fabric8.kubernetes.client.server.mock.KubernetesMockServer;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

@EnableKubernetesMockClient(crud = true)
class KubernetesSourceTest {
  private static final String SIGNED =
      "vrid: 1, authentication: {hmac: {keysSecretRef: {name: s, key: k}}}";

  private static final ResourceDefinitionContext VIRTUAL_IPS =
      ResourceDefinitionContext.fromResourceType(VirtualIp.class);
  private static final String POOL =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIPPool
      metadata: {name: p}
      spec: {addresses: [%s], ofANewerVersion: 3}
      """;
  private static final ResourceDefinitionContext POOLS =
      ResourceDefinitionContext.fromResourceType(VirtualIpPool.class);

  KubernetesClient client;
  KubernetesMockServer server;

  private final List<Desired> told = new CopyOnWriteArrayList<>();
  private final List<String> statusChanges = new CopyOnWriteArrayList<>();
  private KubernetesSource source;

  @BeforeEach
  void makeNode() {
    client
        .resource(
            new NodeBuilder().withNewMetadata().withName("n").addToLabels("a", "b").and().build())
        .create();
    source = new KubernetesSource(MockApi.of(client), "n", "virtualip-system", told::add);
  }

  @AfterEach
  void close() {
    source.close();
  }

  private Resource<GenericKubernetesResource> resource(GenericKubernetesResource item) {
    return client.genericKubernetesResources(VIRTUAL_IPS).resource(item);
  }

  private Resource<GenericKubernetesResource> vip(String name, String spec) {
    return resource(
        Serialization.unmarshal(
            """
                apiVersion: virtualip.dev/v1alpha1
                kind: VirtualIP
                metadata: {name: %s, uid: u, generation: 1}
                spec: {%s}
                """
                .formatted(name, spec),
            GenericKubernetesResource.class));
  }

  private String shown() {
    return told.isEmpty()
        ? "nothing"
        : told.getLast().virtualIps().stream()
            .map(v -> v.getMetadata().getName() + "=" + v.getSpec().vrid())
            .toList()
            .toString();
  }

  private void awaitShown(String expected) {
    Await.until(() -> shown().equals(expected), this::shown);
  }

  @Test
  void virtualIpsAreFollowed() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals(new NodeFacts("n", Map.of("a", "b"), true), told.getLast().self());
    vip("b", "vrid: 2, ofANewerVersion: 3").create();
    awaitShown("[a=1, b=2]");
    vip("a", "vrid: 1").delete();
    awaitShown("[b=2]");
  }

  /** The mock server forgets what is deleted between a list and its watch: an edit comes first. */
  @Test
  void poolsAreFollowed() {
    vip("a", "vrid: 1").create();
    pool("10.0.0.0/24").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals("[10.0.0.0/24]", pools());
    pool("10.0.1.0/24").update();
    Await.until(() -> pools().equals("[10.0.1.0/24]"), this::pools);
    pool("10.0.1.0/24").delete();
    Await.until(() -> pools().isEmpty(), this::pools);
    assertFalse(statusChanges.contains("p"), "it is no VirtualIP");
  }

  private Resource<GenericKubernetesResource> pool(String addresses) {
    return client
        .genericKubernetesResources(POOLS)
        .resource(
            Serialization.unmarshal(POOL.formatted(addresses), GenericKubernetesResource.class));
  }

  /** The addresses of each pool. */
  private String pools() {
    return told.getLast().pools().stream()
        .map(pool -> pool.getSpec().addresses().toString())
        .collect(Collectors.joining());
  }

  /** Without the pools that it has, it would refuse what it runs. */
  @Test
  void aServerThatDoesNotServeAnyKindYetHasPools() {
    vip("a", "vrid: 1").create();
    var pools = "/apis/virtualip.dev/v1alpha1/virtualippools";
    var vips = "/apis/virtualip.dev/v1alpha1/virtualips";
    server.expect().get().withPath(pools).andReturn(404, "404 page not found\n").once();
    server.expect().get().withPath(vips).andReturn(404, "404 page not found\n").once();
    pool("10.0.0.0/24").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals(1, told.getFirst().pools().size());
  }

  @Test
  void whatThisNodeIsAskedToDoIsPassedOn() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    var asked = Map.of("priority", 1, "reason", "Drain(cordoned)", "since", "t");
    var changed = vip("a", "vrid: 1").item();
    changed.setAdditionalProperty("status", Map.of("handOvers", Map.of("m", asked)));
    resource(changed).update();
    Await.until(() -> statusChanges.contains("a"), () -> statusChanges);
    changed.setAdditionalProperty("status", Map.of("handOvers", Map.of("n", asked, "m", asked)));
    resource(changed).update();
    Await.until(() -> told.size() == 2, () -> told);
    assertEquals(
        Map.of("n", new HandOver(1, "Drain(cordoned)", "t")),
        told.getLast().virtualIps().getFirst().getStatus().handOvers());
  }

  /** An older operator asks by the status, where every agent can write. */
  @Test
  void whereThereAreRequestsOfTheOperatorAloneTheStatusAsksForNothing() {
    hand("{}").create();
    var forged = vip("a", "vrid: 1").item();
    var asked = Map.of("priority", 1, "reason", "Drain(cordoned)", "since", "t");
    forged.setAdditionalProperty("status", Map.of("handOvers", Map.of("n", asked)));
    resource(forged).create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals("null", handOvers());
    hand("{a: '{\"handOvers\": {\"m\": {\"priority\": 2}, \"n\": {\"priority\": 3}}}'}").update();
    Await.until(() -> handOvers().contains("priority=3"), this::handOvers);
    hand("{a: 'no JSON'}").update();
    Await.until(() -> handOvers().equals("null"), this::handOvers);
    hand("{}").delete();
    Await.until(() -> handOvers().contains("priority=1"), this::handOvers);
  }

  @Test
  void anAnnotationOfTheRequestsSetsTheLevelOfTheLog() {
    var log = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    var usual = log.getLevel();
    vip("a", "vrid: 1").create();
    var map = hand("{}");
    map.create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    level("ERROR");
    Await.until(() -> log.getLevel() == Level.ERROR, () -> log.getLevel().toString());
    map.delete();
    Await.until(() -> log.getLevel() == usual, () -> log.getLevel().toString());
  }

  private void level(String level) {
    client
        .configMaps()
        .inNamespace("virtualip-system")
        .withName("virtualip-hand-overs")
        .edit(
            found ->
                found
                    .edit()
                    .editMetadata()
                    .addToAnnotations(LogLevel.ANNOTATION, level)
                    .endMetadata()
                    .build());
  }

  private String handOvers() {
    var status = told.getLast().virtualIps().getFirst().getStatus();
    return status == null ? "null" : String.valueOf(status.handOvers());
  }

  private Resource<ConfigMap> hand(String data) {
    return client.resource(
        Serialization.unmarshal(
            """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: virtualip-hand-overs, namespace: virtualip-system}
            data: %s
            """
                .formatted(data),
            ConfigMap.class));
  }

  @Test
  void aTaintThatComesLaterIsNoReasonToStopAndOneThatEvictsIs() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitSelected(true);
    taint("NoSchedule");
    Await.until(() -> !told.getLast().self().schedulable(), () -> told.getLast().self());
    awaitSelected(true);
    vip("new", "vrid: 2").create();
    awaitShown("[a=1, new=2]");
    assertFalse(selected("new"), "nothing new comes to it");
    taint("NoExecute");
    awaitSelected(false);
  }

  @Test
  void anAgentThatStartsUnderATaintGoesOnWithWhatItsNodeRan() {
    taint("NoSchedule");
    var before = vip("a", "vrid: 1").item();
    before.setAdditionalProperty("status", Map.of("nodes", Map.of("n", Map.of("state", "Init"))));
    resource(before).create();
    source.start(statusChanges::add);
    awaitSelected(true);
  }

  @Test
  void peersThatRunAVirtualIpStayPeersUnderATaint() {
    vip("a", "vrid: 1, transport: {mode: Unicast}").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    var reported = vip("a", "vrid: 1, transport: {mode: Unicast}").item();
    var backup = Map.of("state", "Backup");
    reported.setAdditionalProperty("status", Map.of("nodes", Map.of("n", backup, "m", backup)));
    resource(reported).update();
    Await.until(() -> running().equals(Set.of("m", "n")), this::running);
  }

  @Test
  void theKeysThatOtherNodesHaveArePassedOn() {
    reportKeys("Backup", "1-a", "1-a").create();
    source.start(statusChanges::add);
    awaitReport(new HmacStatus(null, List.of("1-a"), null, "1-a"), State.Backup);
    reportKeys("Master", "2-b", "1-a").updateStatus();
    awaitReport(new HmacStatus(null, List.of("2-b"), null, "1-a"), State.Backup);
    reportKeys("Unknown", "2-b", "1-a").updateStatus();
    awaitReport(new HmacStatus(null, List.of("2-b"), null, "1-a"), State.Unknown);
    var nobody = vip("a", SIGNED).item();
    nobody.setAdditionalProperty("status", Map.of("nodes", Map.of()));
    resource(nobody).updateStatus();
    Await.until(() -> running().equals(Set.of("n")), this::running);
  }

  private Resource<GenericKubernetesResource> reportKeys(String state, String key, String sends) {
    var reported = vip("a", SIGNED).item();
    var report = Map.of("state", state, "hmac", Map.of("keys", List.of(key), "sends", sends));
    reported.setAdditionalProperty("status", Map.of("nodes", Map.of("m", report)));
    return resource(reported);
  }

  private void awaitReport(HmacStatus keys, State state) {
    var expected = new NodeStatus(state, keys);
    Await.until(() -> !told.isEmpty() && expected.equals(reports().get("m")), this::reports);
  }

  private Map<String, NodeStatus> reports() {
    var status = told.getLast().virtualIps().getFirst().getStatus();
    return status == null ? Map.of() : status.nodes();
  }

  private Set<String> running() {
    var status = told.getLast().virtualIps().getFirst().getStatus();
    return status == null ? Set.of() : status.nodes().keySet();
  }

  private void taint(String effect) {
    client
        .nodes()
        .withName("n")
        .edit(
            node ->
                new NodeBuilder(node)
                    .withNewSpec()
                    .addNewTaint(effect, "cni.example/not-ready", null, null)
                    .endSpec()
                    .build());
  }

  private boolean selected(String name) {
    return told.getLast().virtualIps().stream()
        .filter(vip -> vip.getMetadata().getName().equals(name))
        .anyMatch(told.getLast().self()::selectedBy);
  }

  private void awaitSelected(boolean expected) {
    Await.until(() -> !told.isEmpty() && selected("a") == expected, () -> told);
  }

  @Test
  void statusAloneIsNoChangeButCanBeAskedFor() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    statusChanges.clear();
    var changed = vip("a", "vrid: 1").item();
    changed.setAdditionalProperty("status", Map.of("master", "m", "new", 1));
    resource(changed).update();
    Await.until(() -> statusChanges.contains("a"), () -> statusChanges);
    assertEquals("m", source.status("a").orElseThrow().master());
    assertEquals(Optional.empty(), source.status("no"));
    vip("b", "vrid: 2").create();
    awaitShown("[a=1, b=2]");
    assertEquals(2, told.size());
  }

  @Test
  void anUnreadableVersionLeavesTheLastGoodOneAndAllOthers() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    var bad = vip("a", "vrid: 2, initialState: Later").item();
    bad.getMetadata().setGeneration(2L);
    resource(bad).update();
    vip("b", "vrid: 3").create();
    awaitShown("[a=1, b=3]");
    assertEquals("spec.initialState", told.getLast().refused().get("a").getFirst().path());
  }

  @Test
  void whatWaitsForItsVridIsNotThereYetAndGoesOnAfterAnEdit() {
    vip("a", "vrid: 1").create();
    vip("b", "priority: 100").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    var edited = vip("a", "priority: 100").item();
    edited.getMetadata().setGeneration(2L);
    resource(edited).update();
    vip("c", "vrid: 3").create();
    awaitShown("[a=1, c=3]");
    assertEquals(Map.of(), told.getLast().refused());
    var allocated = vip("b", "vrid: 2").item();
    allocated.getMetadata().setGeneration(2L);
    resource(allocated).update();
    awaitShown("[a=1, b=2, c=3]");
  }

  private void secret(String name, Map<String, String> labels) {
    client
        .resource(
            new SecretBuilder()
                .withNewMetadata()
                .withNamespace("virtualip-system")
                .withName(name)
                .withLabels(labels)
                .and()
                .addToData("k", "c2VjcmV0Cg==")
                .build())
        .create();
  }

  @Test
  void onlyReferencedSecretsAreHandedOver() {
    for (var name : List.of("auth", "other")) {
      secret(name, Map.of());
    }
    vip("a", "vrid: 1, authentication: {passwordSecretRef: {name: auth, key: k}}").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals(1, told.getLast().secrets().size());
    assertEquals("secret", new String(told.getLast().secrets().values().iterator().next()));
  }

  /** As long as the API server only fails to answer, nobody knows whether it is missing. */
  @Test
  void aSecretThatCannotBeReadHoldsUpNothingButWhatNamesIt() {
    server
        .expect()
        .get()
        .withPath("/api/v1/namespaces/virtualip-system/secrets/unread")
        .andReturn(500, "")
        .always();
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    var named = ", authentication: {passwordSecretRef: {name: unread, key: k}}";
    vip("a", "vrid: 2" + named).update();
    vip("b", "vrid: 3" + named).create();
    vip("c", "vrid: 4").create();
    awaitShown("[a=1, c=4]");
  }

  @Test
  void notificationsGetTheSecretsThatAreLabelledForThem() {
    for (var name : List.of("auth", "hook", "labelled")) {
      var labelled = name.equals("labelled") ? "true" : "false";
      secret(name, Map.of("virtualip.dev/notifications", labelled));
    }
    var headers =
        Stream.of("auth", "hook", "labelled")
            .map(name -> "{name: %s, valueSecretRef: {name: %s, key: k}}".formatted(name, name))
            .toList();
    vip(
            "a",
            "vrid: 1, authentication: {passwordSecretRef: {name: auth, key: k}},"
                + " notifications: {webhook: {url: 'https://a', headers: %s}}".formatted(headers))
        .create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    assertEquals(3, told.getLast().secrets().size(), "a password needs no label");
    assertEquals(Set.of(new SecretKey("labelled", "k")), told.getLast().tellableSecrets().keySet());
  }

  @Test
  void allNodesAreFollowedOnceTheyArePeers() {
    vip("a", "vrid: 1").create();
    source.start(statusChanges::add);
    awaitShown("[a=1]");
    node("m", "10.0.0.2").create();
    vip("b", "vrid: 2, transport: {mode: Unicast, peers: [10.0.0.9]}").create();
    awaitShown("[a=1, b=2]");
    assertEquals(List.of(), told.getLast().nodes());
    vip("c", "vrid: 3, transport: {mode: Unicast}").create();
    awaitShown("[a=1, b=2, c=3]");
    assertEquals("[m, n]", nodeNames());
    assertEquals(List.of("10.0.0.2"), told.getLast().nodes().getFirst().addresses());
    node("o", "10.0.0.3").create();
    Await.until(() -> nodeNames().equals("[m, n, o]"), this::nodeNames);
    node("m", "10.0.0.2").delete();
    Await.until(() -> nodeNames().equals("[n, o]"), this::nodeNames);
  }

  private String nodeNames() {
    return told.getLast().nodes().stream().map(NodeFacts::name).toList().toString();
  }

  private Resource<Node> node(String name, String address) {
    return client.resource(
        new NodeBuilder()
            .withNewMetadata()
            .withName(name)
            .and()
            .withNewStatus()
            .addNewAddress(address, "InternalIP")
            .and()
            .build());
  }

  private static final String OF_PODS =
      """
      vrid: %d, virtualServers: [{name: http, port: 80, forwarding: Masquerade, realServers: {pods:
      {namespace: shop, selector: {matchLabels: {app: %s}}}}}], interface: eth0,
      addresses: [{address: 203.0.113.10/24}]%s""";

  private void pod(String name, String app, String ip, boolean ready) {
    client
        .resource(
            new PodBuilder()
                .withNewMetadata()
                .withNamespace("shop")
                .withName(name)
                .addToLabels("app", app)
                .and()
                .withNewStatus()
                .addNewPodIP(ip)
                .addNewCondition()
                .withType("Ready")
                .withStatus(ready ? "True" : "False")
                .and()
                .and()
                .build())
        .createOr(NonDeletingOperation::update);
  }

  /** Names of all pods, with + if they are Ready. */
  private String pods() {
    return told.isEmpty()
        ? "nothing"
        : told.getLast().pods().values().stream()
            .flatMap(List::stream)
            .map(pod -> pod.name() + pod.addresses() + (pod.ready() ? "+" : ""))
            .toList()
            .toString();
  }

  private void awaitPods(String expected) {
    Await.until(() -> pods().equals(expected), this::pods);
  }

  @Test
  void podsThatAreServersAreFollowedAsLongAsTheyAre() {
    pod("b", "web", "10.1.0.2", true);
    pod("a", "web", "10.1.0.1", false);
    pod("c", "other", "10.1.0.3", true);
    vip("v", OF_PODS.formatted(1, "web", "")).create();
    source.start(statusChanges::add);
    awaitShown("[v=1]");
    assertEquals("[a[10.1.0.1], b[10.1.0.2]+]", pods());
    pod("a", "web", "10.1.0.1", true);
    awaitPods("[a[10.1.0.1]+, b[10.1.0.2]+]");
    client.pods().inNamespace("shop").withName("b").delete();
    awaitPods("[a[10.1.0.1]+]");
    resource(vip("v", OF_PODS.formatted(2, "other", "")).item()).update();
    awaitShown("[v=2]");
    assertEquals("[c[10.1.0.3]+]", pods(), "known when the edit is told");
    resource(vip("v", "vrid: 3").item()).update();
    awaitShown("[v=3]");
    assertEquals(Map.of(), told.getLast().pods());
  }

  @Test
  void podsOfOtherNodesVirtualIpsAreNotFollowed() {
    pod("a", "web", "10.1.0.1", true);
    vip("v", OF_PODS.formatted(1, "web", ", nodes: {selector: {matchLabels: {no: node}}}"))
        .create();
    source.start(statusChanges::add);
    awaitShown("[v=1]");
    assertEquals(Map.of(), told.getLast().pods());
  }

  @Test
  void podsOfTheVersionThatGoesOnAreFollowedToo() {
    pod("a", "web", "10.1.0.1", true);
    pod("c", "other", "10.1.0.3", true);
    vip("v", OF_PODS.formatted(1, "web", "")).create();
    source.start(statusChanges::add);
    awaitShown("[v=1]");
    source.running(told.getLast().virtualIps());
    resource(vip("v", OF_PODS.formatted(2, "other", ", priority: 1000")).item()).update();
    awaitShown("[v=2]");
    assertEquals("[a[10.1.0.1]+]", pods(), "a spec that is not valid asks for nothing");
  }

  /** The mock server knows no spec.nodeName selector, so that no pod is ever found here. */
  @Test
  void podsAreWatchedFromTheFirstQuestionOn() {
    var selector = new LabelSelector(Map.of("app", "x"), null);
    // Unknown at first, for as long as the answer takes.
    Await.until(() -> source.pods().readiness("ns", selector).isPresent(), () -> "no answer");
    assertEquals(Optional.of(Readiness.None), source.pods().readiness("ns", selector));
  }

  @Test
  void aDefectOfWhomItTellsIsSurvived() {
    source.close();
    source =
        new KubernetesSource(
            MockApi.of(client),
            "n",
            "virtualip-system",
            desired -> {
              told.add(desired);
              assertEquals(2, told.size(), "on purpose");
            });
    vip("a", "vrid: 1").create();
    source.start(
        name -> {
          statusChanges.add(name);
          throw new AssertionError("on purpose");
        });
    awaitShown("[a=1]");
    vip("b", "vrid: 2").create();
    awaitShown("[a=1, b=2]");
    Await.until(() -> statusChanges.containsAll(List.of("a", "b")), () -> statusChanges);
  }
}
