package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.e2e.lab.ApiServer;
import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Nginx;
import io.fabric8.kubernetes.api.model.LoadBalancerIngress;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Services of type LoadBalancer on a real API server. Its version knows no classes, so those
 * without one are served. There is no kube-proxy: a web server on each node answers in its place.
 */
@InLab
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ServicesIT {
  private static final Duration SOON = Duration.ofSeconds(60);
  private static final Duration LATER = Duration.ofSeconds(120);

  @BeforeEach
  void needsARealApiServer() {
    assumeTrue(ApiServer.realAvailable(), "KUBEBUILDER_ASSETS names no API server");
  }

  private static Cluster start(Lab lab) {
    var pair = ClassicPair.build(lab);
    pair.nodeA().ip("addr add 203.0.113.11/24 dev eth1");
    pair.nodeB().ip("addr add 203.0.113.12/24 dev eth1");
    pair.nodeA().ip("addr add 2001:db8:113::11/64 dev eth1 nodad");
    pair.nodeB().ip("addr add 2001:db8:113::12/64 dev eth1 nodad");
    pair.nodes().forEach(node -> node.route("198.51.100.0/24 via 203.0.113.1"));
    var api = ApiServer.real(lab, ClassicPair.CONTROL);
    var cluster = Cluster.install(lab, pair, api, 1);
    cluster.setOperator("SERVICES_WITHOUT_CLASS=true");
    cluster.startWorkers();
    cluster.startOperator();
    return cluster;
  }

  private static void pool(Cluster cluster, String addresses) {
    var yaml =
        """
        metadata: {name: lan}
        spec: {addresses: [%s], interfaces: [eth1], services: {lanes: 2}}
        """;
    cluster.apply(Serialization.unmarshal(yaml.formatted(addresses), VirtualIpPool.class));
  }

  private static void service(Cluster cluster, String name, String more) {
    var yaml =
        """
        metadata: {name: %s, namespace: default}
        spec: {type: LoadBalancer, ports: [{port: 80}], selector: {app: web}, %s}
        """;
    cluster
        .client()
        .resource(Serialization.unmarshal(yaml.formatted(name, more), Service.class))
        .create();
  }

  private static String address(Service service) {
    var ingress = service.getStatus().getLoadBalancer().getIngress();
    return ingress == null
        ? ""
        : ingress.stream().map(LoadBalancerIngress::getIp).collect(Collectors.joining(","));
  }

  private static String address(Cluster cluster, String name) {
    return address(cluster.client().services().inNamespace("default").withName(name).get());
  }

  private static void delete(Cluster cluster, String name) {
    cluster.client().services().inNamespace("default").withName(name).delete();
  }

  /** The name of the lane that has an address, or an empty text. */
  private static String lane(Cluster cluster, String address) {
    var prefix = address + (address.contains(":") ? "/128" : "/32");
    return cluster.client().resources(VirtualIp.class).list().getItems().stream()
        .filter(vip -> vip.getSpec().addresses().stream().anyMatch(a -> a.address().equals(prefix)))
        .map(vip -> vip.getMetadata().getName())
        .collect(Collectors.joining(","));
  }

  private static String master(Cluster cluster, String lane) {
    return lane.isEmpty() ? "" : Objects.requireNonNullElse(cluster.status(lane).master(), "");
  }

  /** Whether a client gets the page of the node that is master of the address's lane. */
  private static boolean answers(Cluster cluster, String address) {
    var master = master(cluster, lane(cluster, address));
    return !master.isEmpty()
        && cluster.pair().client().get("http://" + address + "/").equals(master + "\n");
  }

  @Test
  void servicesGetAddressesThatAnswer() {
    try (var lab = Lab.open();
        var cluster = start(lab)) {
      theSampleWorks(cluster);
      for (var name : List.of("one", "two", "three")) {
        service(cluster, name, "");
      }
      for (var name : List.of("one", "two", "three")) {
        cluster.await(name + " has one", SOON, () -> !address(cluster, name).isEmpty());
      }
      var addresses =
          Set.of(address(cluster, "one"), address(cluster, "two"), address(cluster, "three"));
      assertEquals(Set.of("203.0.113.100", "203.0.113.101", "203.0.113.102"), addresses);
      var table = cluster.api().kubectl("get", "svc", "one");
      assertTrue(table.contains(address(cluster, "one")), table);
      for (var address : addresses) {
        cluster.await(address + " answers", LATER, () -> answers(cluster, address));
        var master = master(cluster, lane(cluster, address));
        assertTrue(cluster.node(master).host().hasAddress(address), address);
      }
      aServiceThatGoesFreesItsAddress(cluster);
      aRestartedOperatorChangesNothing(cluster);
      whoIsOfAnotherTypeNowLosesIts(cluster);
      whatCannotBeIsSaid(cluster);
      aNewPoolMovesThem(cluster);
      aNodeThatIsCutOffLosesItsLanes(cluster);
      localFollowsTheEndpoints(cluster);
      aServiceOfTwoFamiliesHasAnAddressOfEach(cluster);
    }
  }

  /** As it stands: its pool stays for the others, and this server drops the class. */
  private static void theSampleWorks(Cluster cluster) {
    var sample = Lab.root().resolve("samples/22-services/services.yaml").toString();
    cluster.api().kubectl("apply", "--validate=false", "-f", sample);
    for (var name : List.of("web", "web-udp")) {
      cluster.await(name + " has it", SOON, () -> address(cluster, name).equals("203.0.113.100"));
    }
    cluster.await("it answers", LATER, () -> answers(cluster, "203.0.113.100"));
    delete(cluster, "web");
    delete(cluster, "web-udp");
    cluster.await("it is free", SOON, () -> lane(cluster, "203.0.113.100").isEmpty());
  }

  private static void aServiceThatGoesFreesItsAddress(Cluster cluster) {
    var address = address(cluster, "two");
    delete(cluster, "two");
    cluster.await("its lane lacks it", SOON, () -> lane(cluster, address).isEmpty());
    service(cluster, "four", "");
    cluster.await("another has it", SOON, () -> address(cluster, "four").equals(address));
    cluster.await("it answers", SOON, () -> answers(cluster, address));
  }

  private static void aRestartedOperatorChangesNothing(Cluster cluster) {
    var one = address(cluster, "one");
    var lane = lane(cluster, one);
    long moves = cluster.status(lane).transitions();
    cluster.setOperator("LOG_FORMAT=json");
    service(cluster, "five", "");
    cluster.await("the new one works", LATER, () -> !address(cluster, "five").isEmpty());
    assertEquals(one, address(cluster, "one"));
    assertEquals(lane, lane(cluster, one));
    assertEquals(moves, cluster.status(lane).transitions());
  }

  private static void whoIsOfAnotherTypeNowLosesIts(Cluster cluster) {
    var address = address(cluster, "five");
    cluster
        .client()
        .services()
        .inNamespace("default")
        .withName("five")
        .edit(service -> service.edit().editSpec().withType("ClusterIP").endSpec().build());
    cluster.await("its status is empty", SOON, () -> address(cluster, "five").isEmpty());
    cluster.await("no lane has it", SOON, () -> lane(cluster, address).isEmpty());
    delete(cluster, "five");
    service(cluster, "five", "");
    cluster.await("it has one again", SOON, () -> !address(cluster, "five").isEmpty());
  }

  private static void whatCannotBeIsSaid(Cluster cluster) {
    service(cluster, "wrong", "loadBalancerIP: 192.0.2.1");
    cluster.await(
        "an Event says it",
        SOON,
        () ->
            cluster
                .api()
                .kubectl("describe", "svc", "wrong")
                .contains("192.0.2.1 is in none of its VirtualIPPools (lan)"));
    assertEquals("", address(cluster, "wrong"));
    delete(cluster, "wrong");
  }

  private static void aNewPoolMovesThem(Cluster cluster) {
    pool(cluster, "203.0.113.150-203.0.113.199");
    for (var name : List.of("one", "three", "four", "five")) {
      cluster.await(
          name + " has moved",
          SOON,
          () -> address(cluster, name).matches("203\\.0\\.113\\.15[0-3]"));
      cluster.await("it answers", SOON, () -> answers(cluster, address(cluster, name)));
    }
  }

  private static void aNodeThatIsCutOffLosesItsLanes(Cluster cluster) {
    var pair = cluster.pair();
    var address = address(cluster, "one");
    boolean onA = master(cluster, lane(cluster, address)).equals("node-a");
    var master = onA ? pair.nodeA() : pair.nodeB();
    var other = onA ? pair.nodeB() : pair.nodeA();
    master.cut("eth1");
    for (var name : List.of("one", "three", "four", "five")) {
      var url = "http://" + address(cluster, name) + "/";
      cluster.await(
          name + " is on " + other, SOON, () -> pair.client().get(url).equals(other + "\n"));
    }
    master.mend("eth1");
    cluster.await("one has a master", SOON, () -> answers(cluster, address));
    for (var lane : List.of("lan-0", "lan-1")) {
      var spec = cluster.client().resources(VirtualIp.class).withName(lane).get().getSpec();
      var best = spec.priorityOn("node-a") > spec.priorityOn("node-b") ? "node-a" : "node-b";
      cluster.await(lane + " is balanced to " + best, LATER, () -> cluster.isReady(lane, best));
    }
    cluster.await("it answers", SOON, () -> answers(cluster, address));
  }

  private static void localFollowsTheEndpoints(Cluster cluster) {
    service(cluster, "local", "externalTrafficPolicy: Local");
    var vip = "svc-default.local";
    cluster.await("it has an address", SOON, () -> !address(cluster, "local").isEmpty());
    var address = address(cluster, "local");
    cluster.await("it is in none of the lanes", SOON, () -> lane(cluster, address).equals(vip));
    int port =
        cluster
            .client()
            .services()
            .inNamespace("default")
            .withName("local")
            .get()
            .getSpec()
            .getHealthCheckNodePort();
    var answer =
        "server { listen 127.0.0.1:%d; location = /healthz { return 200; } }".formatted(port);
    cluster.pair().nginxB().stop();
    try (var b = Nginx.start(cluster.pair().nodeB(), answer)) {
      cluster.await("node-b has it", LATER, () -> cluster.isReady(vip, "node-b"));
      assertTrue(answers(cluster, address));
      cluster.pair().nginxA().stop();
      try (var _ = Nginx.start(cluster.pair().nodeA(), answer)) {
        b.stop();
        cluster.await("node-a has it", LATER, () -> cluster.isReady(vip, "node-a"));
        assertTrue(answers(cluster, address));
      }
    }
    delete(cluster, "local");
    cluster.await("it is gone", SOON, () -> lane(cluster, address).isEmpty());
  }

  private static void aServiceOfTwoFamiliesHasAnAddressOfEach(Cluster cluster) {
    pool(cluster, "203.0.113.150-203.0.113.199, '2001:db8:113::150-2001:db8:113::199'");
    service(cluster, "both", "ipFamilyPolicy: RequireDualStack");
    cluster.await("it has two", SOON, () -> address(cluster, "both").contains(","));
    var addresses = List.of(address(cluster, "both").split(","));
    assertEquals(
        List.of(false, true), addresses.stream().map(address -> address.contains(":")).toList());
    for (var address : addresses) {
      cluster.await(
          address + " has a master",
          LATER,
          () -> {
            var master = master(cluster, lane(cluster, address));
            return !master.isEmpty() && cluster.node(master).host().hasAddress(address);
          });
    }
    delete(cluster, "both");
    cluster.await(
        "they are free", SOON, () -> addresses.stream().allMatch(a -> lane(cluster, a).isEmpty()));
  }
}
