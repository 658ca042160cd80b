package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Probe;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each bad manifest gets a message that names the field and the fix, from {@code validate} and in
 * {@code Accepted}; and a running VIP is not disturbed when its object is edited into a bad state.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadManifestsIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration START = Duration.ofSeconds(120);

  private Lab lab;
  private ClassicPair pair;
  private Cluster cluster;
  private Probe probe;
  private String good;

  /**
   * A mistake.
   *
   * @param from text of the good manifest
   * @param to what it is replaced by
   * @param field path of the field that the message names
   * @param fix part of the message that says what to do
   */
  record Mistake(String from, String to, String field, String fix) {}

  static List<Mistake> mistakes() {
    return List.of(
        new Mistake("vrid: 77", "vrid: 0", "spec.vrid", "use 1 to 255"),
        new Mistake("vrid: 77", "vrid: 256", "spec.vrid", "use 1 to 255"),
        new Mistake(
            "advertInterval: 1s", "advertInterval: 500ms", "spec.advertInterval", "vrrpVersion"),
        new Mistake(
            "vrrpVersion: 2", "vrrpVersion: 3", "spec.authentication", "set vrrpVersion to 2"),
        new Mistake(
            "203.0.113.10/24", "203.0.113.10", "spec.addresses[0].address", "203.0.113.10/24"),
        new Mistake("interface: eth0", "interface: eth9", "spec.interface", "correct the name"),
        new Mistake(
            "  nodes:",
            "  nodes:\n    selector: {matchLabels: {edge: nowhere}}",
            "spec.nodes.selector",
            "kubectl label node NAME edge=nowhere"));
  }

  @BeforeAll
  void start() throws IOException {
    lab = Lab.open();
    pair = ClassicPair.build(lab);
    cluster = Cluster.install(lab, pair, ApiServer.start(lab, ClassicPair.CONTROL));
    cluster.startOperator();
    cluster.startWorkers();
    cluster.createSecret("vip-auth", "web", "s3cret");
    good = Files.readString(Lab.root().resolve("samples/01-active-standby.yaml"));
    cluster.apply(good);
    probe = Probe.start(pair.client(), ClassicPair.URL);
    awaitReady();
    probe.awaitServedBy("node-a", START);
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

  private void awaitReady() {
    Await.until("Ready", START, () -> cluster.condition("web", "Ready"), c -> c.startsWith("True"));
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void anEditIsRefusedWithTheFixAndDisturbsNothing(Mistake mistake) {
    var bad = good.replace(mistake.from(), mistake.to());
    var from = Instant.now();
    try {
      cluster.apply(bad);
      Await.until(
          "Accepted names " + mistake.field(),
          SOON,
          () -> cluster.condition("web", "Accepted"),
          c -> c.startsWith("False") && c.contains(mistake.field()) && c.contains(mistake.fix()));
      awaitAgentsRunTheGenerationBefore();
    } catch (KubernetesClientException e) {
      // The schema of a real API server keeps it out altogether; it names no list index.
      var field = mistake.field().replaceAll("\\[\\d+]", "");
      assertTrue(cluster.api().real() && e.getMessage().contains(field), e::getMessage);
    }
    assertEquals(List.of("node-a"), pair.owners());
    cluster.apply(good);
    awaitReady();
    Await.until(
        "the last requests have ended", SOON, () -> Instant.now().isAfter(from.plusMillis(1_500)));
    var outage = probe.longestOutage(from, Instant.now());
    assertTrue(outage.toMillis() < 1_000, "client without service for " + outage);
    assertEquals("node-a", cluster.status("web").master());
  }

  private void awaitAgentsRunTheGenerationBefore() {
    long before =
        cluster
                .client()
                .resources(VirtualIp.class)
                .withName("web")
                .get()
                .getMetadata()
                .getGeneration()
            - 1;
    Await.until(
        "the agents run the generation before",
        SOON,
        this::acceptedGenerations,
        Map.of("node-a", before, "node-b", before)::equals);
  }

  private Map<String, Long> acceptedGenerations() {
    var runs = new TreeMap<String, Long>();
    cluster
        .status("web")
        .nodes()
        .forEach((node, report) -> runs.put(node, report.acceptedGeneration()));
    return runs;
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void validateSaysTheSame(Mistake mistake) throws IOException {
    var folder = Files.createTempDirectory(lab.work(), "validate-");
    Files.writeString(folder.resolve("web.yaml"), good.replace(mistake.from(), mistake.to()));
    Files.writeString(
        folder.resolve("nodes.yaml"),
        "{apiVersion: v1, kind: Node, metadata: {name: node-a}}\n"
            + "---\n{apiVersion: v1, kind: Node, metadata: {name: node-b}}\n");
    var validate =
        pair.nodeA()
            .start(
                "validate",
                Lab.root().resolve("agent/target/virtualip-agent").toString(),
                "validate",
                "--node=node-a",
                folder.toString());
    assertEquals(1, validate.awaitExit(SOON));
    // --node checks the NICs of this machine, so that an unknown one is found too.
    assertTrue(validate.output().contains(mistake.field()), validate.output());
  }

  @Test
  void theNewerOfTwoWithOneVridIsToldWhichOneItCollidesWith() {
    cluster.apply(good.replace("name: web\n", "name: web-2\n").replace("113.10/24", "113.11/24"));
    Await.until(
        "the newer is not accepted",
        SOON,
        () -> cluster.condition("web-2", "Accepted"),
        c ->
            c.startsWith("False Conflict")
                && c.contains("spec.vrid: 77 on eth0 is taken by VirtualIP web"));
    assertTrue(cluster.condition("web", "Accepted").startsWith("True"));
    cluster.delete("web-2");
    Await.until(
        "it is gone", SOON, () -> Objects.equals(cluster.condition("web-2", "Accepted"), ""));
  }

  /**
   * Good manifests, for once: the operator under its own account, which may write one DNSEndpoint.
   */
  @Test
  void namesArePublishedWhenExternalDnsIsThere() throws IOException {
    var sample = Files.readString(Lab.root().resolve("samples/02-two-active.yaml")).split("---\n");
    cluster.apply(sample[0]);
    cluster.apply(sample[1]);
    Await.until(
        "accepted without", SOON, () -> cluster.condition("web-2", "Accepted").startsWith("True"));
    cluster.client().resource(DNS_ENDPOINTS).create();
    // The operator learns of it with its next pass.
    cluster.apply(sample[1].replace("priority: 150", "priority: 151"));
    awaitBothAddresses();
    cluster.client().resource(dnsEndpoint()).delete();
    cluster.apply(sample[1]);
    awaitBothAddresses();
    cluster.delete("web-1");
    Await.until(
        "one is left", SOON, this::endpoints, List.of("www.example.com A [203.0.113.12]")::equals);
    cluster.delete("web-2");
    Await.until("none is left", SOON, this::endpoints, List.of()::equals);
  }

  private void awaitBothAddresses() {
    Await.until(
        "both addresses under the name",
        SOON,
        this::endpoints,
        List.of("www.example.com A [203.0.113.11, 203.0.113.12]")::equals);
  }

  private GenericKubernetesResource dnsEndpoint() {
    return cluster
        .client()
        .genericKubernetesResources("externaldns.k8s.io/v1alpha1", "DNSEndpoint")
        .inNamespace("virtualip-system")
        .withName("virtualip")
        .get();
  }

  private List<String> endpoints() {
    var object = dnsEndpoint();
    return object == null
        ? List.of()
        : object.<List<Map<String, Object>>>get("spec", "endpoints").stream()
            .map(e -> e.get("dnsName") + " " + e.get("recordType") + " " + e.get("targets"))
            .toList();
  }

  /** As ExternalDNS has it, without the schema. */
  private static final CustomResourceDefinition DNS_ENDPOINTS =
      Serialization.unmarshal(
          """
          apiVersion: apiextensions.k8s.io/v1
          kind: CustomResourceDefinition
          metadata:
            name: dnsendpoints.externaldns.k8s.io
            annotations: {api-approved.kubernetes.io: unapproved}
          spec:
            group: externaldns.k8s.io
            names: {kind: DNSEndpoint, listKind: DNSEndpointList, plural: dnsendpoints, singular: dnsendpoint}
            scope: Namespaced
            versions:
              - name: v1alpha1
                served: true
                storage: true
                schema:
                  openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
          """,
          CustomResourceDefinition.class);
}
