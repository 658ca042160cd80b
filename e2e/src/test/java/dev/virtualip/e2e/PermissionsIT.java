package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.kube.ApiCall;
import io.fabric8.kubernetes.api.model.APIResource;
import io.fabric8.kubernetes.api.model.GroupVersionForDiscovery;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.authorization.v1.SubjectAccessReviewBuilder;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.ConfigBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.Resource;
import io.fabric8.kubernetes.client.dsl.base.PatchContext;
import io.fabric8.kubernetes.client.dsl.base.PatchType;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.net.HttpURLConnection;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Operator and agent may do what the tables of docs/permissions.md say, and a real API server
 * refuses them everything else that it offers.
 */
@InLab
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PermissionsIT {
  private static final String NAMESPACE = Cluster.NAMESPACE;
  private static final List<String> NAMESPACES = List.of(NAMESPACE, "default", "kube-system");

  /** Groups of the resources that the tables name; the others are of the core group. */
  private static final Map<String, String> GROUPS =
      Map.of(
          "virtualips", "virtualip.dev",
          "virtualips/status", "virtualip.dev",
          "virtualippools", "virtualip.dev",
          "virtualippools/status", "virtualip.dev",
          "daemonsets", "apps",
          "leases", "coordination.k8s.io");

  private static final Pattern ROW =
      Pattern.compile(
          "\\| (cluster|own namespace|`default`) \\| `([^`]+)`( of `([^`]+)`)?( `([^`]+)`)?"
              + " \\| ([a-z, ]+) \\|.*");

  /** As ExternalDNS has it, without its fields. */
  private static final String DNS_ENDPOINTS =
      """
      apiVersion: apiextensions.k8s.io/v1
      kind: CustomResourceDefinition
      metadata:
        name: dnsendpoints.externaldns.k8s.io
        annotations: {api-approved.kubernetes.io: "https://github.com/kubernetes-sigs/external-dns/pull/2007"}
      spec:
        group: externaldns.k8s.io
        scope: Namespaced
        names: {kind: DNSEndpoint, plural: dnsendpoints, singular: dnsendpoint, listKind: DNSEndpointList}
        versions:
          - name: v1alpha1
            served: true
            storage: true
            schema: {openAPIV3Schema: {type: object}}
      """;

  private Lab lab;
  private ApiServer api;

  /** A request; {@code namespace} and {@code name} may be empty. */
  private record Access(String namespace, String group, String resource, String name, String verb) {
    @Override
    public String toString() {
      return "%s %s%s%s%s"
          .formatted(
              verb,
              resource,
              group.isEmpty() ? "" : "." + group,
              name.isEmpty() ? "" : "/" + name,
              namespace.isEmpty() ? "" : " in " + namespace);
    }
  }

  @BeforeAll
  void start() throws IOException {
    assumeTrue(
        ApiServer.realAvailable(),
        "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
    lab = Lab.open();
    api = ApiServer.real(lab, "127.0.0.1");
    api.installCrd();
    api.client().resource(Serialization.unmarshal(DNS_ENDPOINTS, HasMetadata.class)).create();
    Await.until(
        "DNSEndpoints are served",
        Duration.ofSeconds(30),
        () ->
            !api.client().getApiResources("externaldns.k8s.io/v1alpha1").getResources().isEmpty());
    for (var file : List.of("namespace", "operator-rbac", "agent-rbac")) {
      try (var yaml = Files.newInputStream(Lab.root().resolve("deploy/base/" + file + ".yaml"))) {
        api.client().load(yaml).create();
      }
    }
  }

  @AfterAll
  void stop() {
    if (lab != null) {
      lab.close();
    }
  }

  @Test
  void theOperatorMayDoWhatItsTableSaysAndNothingElse() throws IOException {
    assertGranted("virtualip-operator", table("## Operator"));
  }

  @Test
  void theAgentMayDoWhatItsTableSaysAndNothingElse() throws IOException {
    assertGranted("virtualip-agent", table("## Agent"));
  }

  private void assertGranted(String account, List<Access> table) {
    var user = "system:serviceaccount:" + NAMESPACE + ":" + account;
    var expected = new TreeSet<String>();
    var granted = new TreeSet<String>();
    int asked = 0;
    for (var access : offered(table)) {
      asked++;
      if (table.stream().anyMatch(row -> covers(row, access))) {
        expected.add(access.toString());
      }
      if (may(user, access) && !may("system:serviceaccount:default:stranger", access)) {
        granted.add(access.toString());
      }
    }
    System.out.printf("%s: %d of %d requests granted%n", account, granted.size(), asked);
    assertTrue(asked > 500, "only " + asked + " requests are known");
    assertEquals(
        String.join("\n", expected), String.join("\n", granted), "what RBAC grants " + account);
  }

  /** A row without a namespace is about all of them, one without a name about all names. */
  private static boolean covers(Access row, Access access) {
    return row.verb().equals(access.verb())
        && row.resource().equals(access.resource())
        && row.group().equals(access.group())
        && (row.namespace().isEmpty() || row.namespace().equals(access.namespace()))
        && (row.name().isEmpty() || row.name().equals(access.name()));
  }

  private boolean may(String user, Access access) {
    var review =
        new SubjectAccessReviewBuilder()
            .withNewSpec()
            .withUser(user)
            .withGroups(
                "system:authenticated",
                "system:serviceaccounts",
                "system:serviceaccounts:" + user.split(":")[2])
            .withNewResourceAttributes()
            .withVerb(access.verb())
            .withGroup(access.group())
            .withResource(access.resource().split("/")[0])
            .withSubresource(access.resource().contains("/") ? access.resource().split("/")[1] : "")
            .withNamespace(access.namespace())
            .withName(access.name())
            .endResourceAttributes()
            .endSpec()
            .build();
    return api.client()
        .authorization()
        .v1()
        .subjectAccessReview()
        .create(review)
        .getStatus()
        .getAllowed();
  }

  /** All that the server offers, in some namespaces, for no name and for those of the table. */
  private List<Access> offered(List<Access> table) {
    var offered = new ArrayList<Access>();
    for (var groupVersion : groupVersions()) {
      var group = groupVersion.contains("/") ? groupVersion.split("/")[0] : "";
      for (var resource : api.client().getApiResources(groupVersion).getResources()) {
        for (var namespace : resource.getNamespaced() ? NAMESPACES : List.of("")) {
          for (var name : names(resource, group, table)) {
            resource
                .getVerbs()
                .forEach(
                    verb ->
                        offered.add(new Access(namespace, group, resource.getName(), name, verb)));
          }
        }
      }
    }
    return offered;
  }

  private List<String> groupVersions() {
    return Stream.concat(
            Stream.of("v1"),
            api.client().getApiGroups().getGroups().stream()
                .map(group -> group.getPreferredVersion())
                .map(GroupVersionForDiscovery::getGroupVersion))
        .toList();
  }

  private static List<String> names(APIResource resource, String group, List<Access> table) {
    return Stream.concat(
            Stream.of(""),
            table.stream()
                .filter(row -> row.resource().equals(resource.getName()))
                .filter(row -> row.group().equals(group))
                .map(Access::name))
        .distinct()
        .toList();
  }

  /** The rows below a heading. */
  private static List<Access> table(String heading) throws IOException {
    var text = Files.readString(Lab.root().resolve("docs/permissions.md"));
    int from = text.indexOf(heading);
    int to = text.indexOf("\n## ", from);
    var rows = new ArrayList<Access>();
    for (var line : text.substring(from, to).lines().filter(l -> l.startsWith("| ")).toList()) {
      var row = ROW.matcher(line);
      if (row.matches()) {
        var namespace =
            Map.of("cluster", "", "own namespace", NAMESPACE, "`default`", "default")
                .get(row.group(1));
        var group = Objects.requireNonNullElse(row.group(4), GROUPS.getOrDefault(row.group(2), ""));
        var name = Objects.requireNonNullElse(row.group(6), "");
        for (var verb : row.group(7).split(", ")) {
          rows.add(new Access(namespace, group, row.group(2), name, verb));
        }
      } else {
        assertTrue(line.startsWith("| where ") || line.startsWith("| --- "), line);
      }
    }
    assertTrue(rows.size() > 10, () -> "rows below " + heading + ": " + rows);
    return rows;
  }

  @Test
  void whoMayPatchTheStatusChangesNothingElse() {
    var yaml =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec: {vrid: 77, interface: eth0, addresses: [{address: 203.0.113.10/24}]}
        """;
    api.client().resource(Serialization.unmarshal(yaml, VirtualIp.class)).create();
    var patch = "{\"spec\": {\"vrid\": 78}, \"status\": {\"nodes\": {\"a\": {\"priority\": 7}}}}";
    try (var agent = as("virtualip-agent")) {
      assertRefused(() -> web(agent).patch(PatchContext.of(PatchType.JSON_MERGE), patch));
      web(agent).subresource("status").patch(PatchContext.of(PatchType.JSON_MERGE), patch);
    }
    var web = web(api.client()).get();
    assertEquals(77, web.getSpec().vrid());
    assertEquals(7, web.getStatus().nodes().get("a").priority());
    web(api.client())
        .patch(
            PatchContext.of(PatchType.JSON_MERGE),
            "{\"spec\": {\"vrid\": 79}, \"status\": {\"master\": \"a\"}}");
    web = web(api.client()).get();
    assertEquals(79, web.getSpec().vrid());
    assertNull(web.getStatus().master(), "written past the subresource");
  }

  @Test
  void otherPeoplesSecretsAreRefused() {
    for (var account : List.of("virtualip-operator", "virtualip-agent")) {
      try (var client = as(account)) {
        assertRefused(() -> client.secrets().inNamespace("kube-system").list());
        assertRefused(() -> client.secrets().inAnyNamespace().list());
      }
    }
    try (var agent = as("virtualip-agent");
        var operator = as("virtualip-operator")) {
      // Among them, before Kubernetes 1.24, the token of the operator.
      assertRefused(() -> agent.secrets().inNamespace(NAMESPACE).list());
      assertNull(agent.secrets().inNamespace(NAMESPACE).withName("not-there").get());
      assertRefused(() -> operator.secrets().inNamespace(NAMESPACE).list());
    }
  }

  @Test
  void anAgentTakesNoOperatorsLeaseAndAsksNobodyToHandOver()
      throws IOException, InterruptedException {
    var lease =
        "apis/coordination.k8s.io/v1/namespaces/default/leases/virtualip-operator?fieldManager=x";
    var held =
        """
        {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
         "metadata": {"name": "virtualip-operator"}, "spec": {"holderIdentity": "x"}}""";
    var requests = "api/v1/namespaces/%s/configmaps/%s".formatted(NAMESPACE, VirtualIp.HAND_OVERS);
    var asks = "{\"data\": {\"web\": \"{}\"}}";
    try (var agent = as("virtualip-agent");
        var operator = as("virtualip-operator")) {
      assertEquals(201, code(operator, lease, ApiCall.APPLY_PATCH, held));
      assertEquals(403, code(agent, lease, ApiCall.APPLY_PATCH, held));
      assertEquals(200, code(operator, requests, ApiCall.MERGE_PATCH, asks));
      assertEquals(403, code(agent, requests, ApiCall.MERGE_PATCH, asks));
      var one =
          agent
              .configMaps()
              .inNamespace(NAMESPACE)
              .withField("metadata.name", VirtualIp.HAND_OVERS);
      assertEquals(Map.of("web", "{}"), one.list().getItems().getFirst().getData());
      assertRefused(() -> agent.configMaps().inNamespace(NAMESPACE).list());
    }
  }

  private static int code(KubernetesClient client, String path, String type, String patch)
      throws IOException, InterruptedException {
    return ApiCall.send(client, "PATCH", path, type, patch).code();
  }

  private static Resource<VirtualIp> web(KubernetesClient client) {
    return client.resources(VirtualIp.class).withName("web");
  }

  private static void assertRefused(Runnable request) {
    var refusal = assertThrows(KubernetesClientException.class, request::run);
    assertEquals(HttpURLConnection.HTTP_FORBIDDEN, refusal.getCode(), refusal.getMessage());
  }

  /** A client with an account's own token. */
  private KubernetesClient as(String account) {
    Config admin = api.client().getConfiguration();
    var config =
        new ConfigBuilder(Config.empty())
            .withMasterUrl(admin.getMasterUrl())
            .withCaCertFile(admin.getCaCertFile())
            .withCaCertData(admin.getCaCertData())
            .withOauthToken(api.token(NAMESPACE, account))
            .withRequestRetryBackoffLimit(0)
            .build();
    return new KubernetesClientBuilder().withConfig(config).build();
  }
}
