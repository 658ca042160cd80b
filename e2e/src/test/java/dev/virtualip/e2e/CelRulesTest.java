package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.Lab;
import io.fabric8.kubernetes.api.model.apiextensions.v1.CustomResourceDefinition;
import io.fabric8.kubernetes.client.Config;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.testcontainers.k3s.K3sContainer;
import org.testcontainers.utility.DockerImageName;

/** The CRD's CEL rules refuse what they should, with their messages, on servers that know CEL. */
@ParameterizedClass
@EnumSource(CelRulesTest.Server.class)
class CelRulesTest {
  private static final String IMAGE = "rancher/k3s:v1.33.4-k3s1";

  private static final List<AutoCloseable> OPEN = new ArrayList<>();
  private static KubernetesClient client;

  @Parameter private Server server;

  /** Where the rules are tried. */
  enum Server {
    K3S {
      @Override
      KubernetesClient start() {
        var socket = Path.of("/var/run/docker.sock");
        assumeTrue(
            System.getenv("DOCKER_HOST") != null || Files.exists(socket),
            "SKIPPED: needs Docker, for k3s");
        var k3s = new K3sContainer(DockerImageName.parse(IMAGE));
        OPEN.add(k3s);
        k3s.start();
        return new KubernetesClientBuilder()
            .withConfig(Config.fromKubeconfig(k3s.getKubeConfigYaml()))
            .build();
      }
    },
    KUBE_APISERVER {
      @Override
      KubernetesClient start() {
        assumeTrue(
            "1".equals(System.getenv("VIRTUALIP_LAB")), "SKIPPED: needs the lab, run as root");
        assumeTrue(
            ApiServer.realAvailable(),
            "SKIPPED: KUBEBUILDER_ASSETS names no folder with etcd and kube-apiserver");
        var lab = Lab.open();
        OPEN.add(lab);
        lab.wire("internal").address("10.0.0.1/24");
        var api = ApiServer.real(lab, "10.0.0.1");
        var version = api.client().getKubernetesVersion();
        assumeTrue(
            Integer.parseInt(version.getMinor().replaceAll("\\D", "")) >= CEL_SINCE,
            "SKIPPED: Kubernetes " + version.getGitVersion() + " does not know CEL");
        return api.client();
      }
    };

    abstract KubernetesClient start();
  }

  /** Kubernetes 1.25. */
  private static final int CEL_SINCE = 25;

  @BeforeParameterizedClassInvocation
  static void start(Server server) throws IOException {
    client = server.start();
    try (var crd = Files.newInputStream(Lab.root().resolve("crds/virtualips.virtualip.dev.yaml"))) {
      client.load(crd).create();
    }
    client
        .resources(CustomResourceDefinition.class)
        .withName("virtualips.virtualip.dev")
        .waitUntilCondition(CelRulesTest::isEstablished, 30, TimeUnit.SECONDS);
  }

  /** A CRD that was just created may have no conditions yet. */
  private static boolean isEstablished(CustomResourceDefinition crd) {
    return crd.getStatus() != null
        && crd.getStatus().getConditions() != null
        && crd.getStatus().getConditions().stream()
            .anyMatch(c -> c.getType().equals("Established"));
  }

  @AfterParameterizedClassInvocation
  static void stop() throws Exception {
    for (var open : OPEN.reversed()) {
      open.close();
    }
    OPEN.clear();
  }

  private static void create(String spec) {
    var yaml = "metadata: {name: web}\nspec: {interface: eth0, " + spec + "}";
    client.resource(Serialization.unmarshal(yaml, VirtualIp.class)).create();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          vrid: 1, vrrpVersion: 3, authentication: {passwordSecretRef: {name: a, key: b}} | set vrrpVersion to 2
          vrid: 1, vrrpVersion: 2, advertInterval: 500ms | use 1s to 255s
          vrid: 1, healthChecks: [{name: none}] | set one of http, tcp, udp, dns, smtp, ping, pod, exec, process
          vrid: 1, healthChecks: [{name: a, http: {tls: {verify: true}}}] | set scheme to HTTPS
          vrid: 1, healthChecks: [{name: a, http: {scheme: HTTPS, tls: {ca: x}}}] | set verify to true
          vrid: 1, whenAllFail: KeepMaster, priority: 1 | use priorities of 2 or more
          vrid: 256 | 255
          vrid: 1, rules: [{table: 100, priority: 9}] | give at least one of them
          vrid: 1, rules: [{from: 10.0.0.1, to: '2001:db8::1', table: 100, priority: 9}] | use IPv4 or IPv6 for both
          vrid: 1, rules: [{from: 10.0.0.1, table: 255, priority: 9}] | use another table
          vrid: 1, rules: [{from: 0.0.0.0/0, table: 100, priority: 9}] | spec.rules[0].from
          vrid: 1, rules: [{from: 10.0.0.1, table: 100}] | spec.rules[0].priority
          vrid: 1, routes: [{to: default, via: 224.0.0.1}] | spec.routes[0].via
          vrid: 1, authentication: {passwordSecretRef: {name: a, key: b}} | spec.authentication
          vrid: 1, vrrpVersion: 2, advertInterval: 500ms | spec.advertInterval
          vrid: 1, healthChecks: [{name: a, tcp: {}}] | give the one to ask at
          vrid: 1, healthChecks: [{name: a, udp: {}}] | give the one to ask at
          vrid: 1, healthChecks: [{name: a, udp: {port: 1, reply: ff, requireReply: false}}] | set requireReply to true
          vrid: 1, healthChecks: [{name: a, ping: {}}] | give ping a host
          vrid: 1, healthChecks: [{name: a, dns: {}, retryInterval: 1s}] | set fall to 2 or more
          vrid: 1, healthChecks: [{name: a, exec: {command: [a], weightByExitCode: true}}] | weightByExitCode is for checks of real servers
          vrid: 1, virtualServers: [{name: a, port: 80, forwarding: Masquerade, realServers: {addresses: [{address: 10.0.0.9}]}, checks: [{name: a, tcp: {}, reverse: true}]}] | servers are none of it
          vrid: 1, virtualServers: [{name: a, fwmark: 1, forwarding: Masquerade, realServers: {addresses: [{address: 10.0.0.9}]}, checks: [{name: a, udp: {}}]}] | give the check one
          vrid: 1, connectionSync: {interface: eth0} | spec.connectionSync
          vrid: 1, virtualServers: [{name: a, forwarding: Tunnel, realServers: {addresses: [{address: 10.0.0.9}]}}] | spec.virtualServers[0].port
          vrid: 1, virtualServers: [{name: a, port: 80, forwarding: DirectRoute, realServers: {addresses: [{address: 10.0.0.9, port: 81}]}}] | spec.virtualServers[0].realServers
          vrid: 1, virtualServers: [{name: a, port: 80, forwarding: Masquerade, realServers: {nodes: {selector: {}}}}] | give labels that they have
          vrid: 1, virtualServers: [{name: a, port: 80, forwarding: Masquerade, realServers: {addresses: [{address: 'fd00::9'}]}}] | use servers of the other
          """)
  void aBadObjectIsRefusedWithTheFix(String spec, String fix) {
    var refusal =
        assertThrows(
            KubernetesClientException.class,
            () -> create(spec + ", addresses: [{address: 10.0.0.1/24}]"));
    assertTrue(refusal.getMessage().contains(fix), refusal::getMessage);
  }

  @Test
  void theSampleIsAccepted() throws IOException {
    try (var sample = Files.newInputStream(Lab.root().resolve("samples/01-active-standby.yaml"))) {
      client.load(sample).create();
    }
  }
}
