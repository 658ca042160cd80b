package dev.virtualip.operator.decide;

import dev.virtualip.crds.check.CheckedPool;
import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.values.IpPrefix;
import io.fabric8.kubernetes.api.model.LoadBalancerIngress;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a Service asks for.
 *
 * @param service the Service as seen
 * @param namespaceLabels the labels of its namespace
 * @param families whether IPv6, for each family that it wants, the first one first
 * @param bothNeeded whether one of two families is not enough
 * @param addresses those that it asks for; empty = any
 * @param pool name of the pool that it asks for, or null
 * @param sharingKey Services with the same one may share addresses, or null
 * @param ports its protocols and ports, as {@code TCP/80}
 * @param local whether only nodes with its endpoints may have the addresses
 * @param has the addresses that its status shows
 * @param flaw what is wrong with its request and what to do, or null
 */
record ServiceRequest(
    Service service,
    Map<String, String> namespaceLabels,
    List<Boolean> families,
    boolean bothNeeded,
    List<InetAddress> addresses,
    String pool,
    String sharingKey,
    Set<String> ports,
    boolean local,
    List<InetAddress> has,
    String flaw) {
  private static final List<String> ADDRESSES =
      List.of(
          "virtualip.dev/addresses",
          "metallb.io/loadBalancerIPs",
          "metallb.universe.tf/loadBalancerIPs",
          "kube-vip.io/loadbalancerIPs");
  private static final List<String> POOL =
      List.of("virtualip.dev/pool", "metallb.io/address-pool", "metallb.universe.tf/address-pool");

  /**
   * Whether a Service is to be served.
   *
   * @param withoutClass whether those without a class are
   */
  static boolean isOurs(Service service, boolean withoutClass) {
    var spec = service.getSpec();
    var wanted = spec == null ? null : spec.getLoadBalancerClass();
    return isLoadBalancer(service)
        && (wanted == null ? withoutClass : wanted.equals(PoolServices.CLASS));
  }

  static boolean isLoadBalancer(Service service) {
    return service.getSpec() != null && "LoadBalancer".equals(service.getSpec().getType());
  }

  /**
   * Reads what a Service asks for.
   *
   * @param namespaceLabels the labels of its namespace
   */
  static ServiceRequest of(Service service, Map<String, String> namespaceLabels) {
    var spec = service.getSpec();
    var flaws = new ArrayList<String>();
    var families = families(service);
    var addresses = wanted(service, flaws);
    for (var address : addresses) {
      if (!families.contains(IpPrefix.text(address).contains(":"))) {
        flaws.add(
            "%s is not of a family in spec.ipFamilies: ask for another one"
                .formatted(IpPrefix.text(address)));
      }
    }
    if (addresses.stream().map(a -> a.getAddress().length).distinct().count() < addresses.size()) {
      flaws.add("it asks for several addresses of one family: ask for one of each");
    }
    return new ServiceRequest(
        service,
        namespaceLabels,
        families,
        "RequireDualStack".equals(spec.getIpFamilyPolicy()),
        addresses,
        annotation(service, POOL),
        annotation(service, PoolServices.SHARING_KEYS),
        ports(spec.getPorts()),
        "Local".equals(spec.getExternalTrafficPolicy()),
        ingress(service),
        flaws.isEmpty() ? null : flaws.getFirst());
  }

  private static List<Boolean> families(Service service) {
    var spec = service.getSpec();
    if (spec.getIpFamilies() != null && !spec.getIpFamilies().isEmpty()) {
      return spec.getIpFamilies().stream().map("IPv6"::equals).toList();
    }
    // Servers without dual stack say it by the cluster IP alone.
    return List.of(spec.getClusterIP() != null && spec.getClusterIP().contains(":"));
  }

  private static List<InetAddress> wanted(Service service, List<String> flaws) {
    var text = annotation(service, ADDRESSES);
    if (text == null) {
      text = service.getSpec().getLoadBalancerIP();
    }
    var addresses = new ArrayList<InetAddress>();
    for (var part : text == null ? new String[0] : text.split(",")) {
      try {
        if (!part.isBlank()) {
          addresses.add(IpPrefix.parseAddress(part.strip()));
        }
      } catch (IllegalArgumentException e) {
        flaws.add("it asks for an address that is none: " + e.getMessage());
      }
    }
    return List.copyOf(addresses);
  }

  private static String annotation(Service service, List<String> names) {
    var annotations =
        Objects.requireNonNullElse(
            service.getMetadata().getAnnotations(), Map.<String, String>of());
    return names.stream()
        .map(annotations::get)
        .filter(value -> value != null && !value.isBlank())
        .map(String::strip)
        .findFirst()
        .orElse(null);
  }

  private static Set<String> ports(List<ServicePort> ports) {
    return ports == null
        ? Set.of()
        : ports.stream()
            .map(p -> Objects.requireNonNullElse(p.getProtocol(), "TCP") + "/" + p.getPort())
            .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The addresses that the status of a Service shows; names are left out. */
  static List<InetAddress> ingress(Service service) {
    return texts(service).map(ServiceRequest::parsed).flatMap(List::stream).toList();
  }

  /**
   * The address that a text is, if another one has not written it in a form that is none of ours.
   */
  static List<InetAddress> parsed(String text) {
    try {
      return List.of(IpPrefix.parseAddress(text));
    } catch (IllegalArgumentException _) {
      return List.of();
    }
  }

  /** The entries of the status, a name as an empty text. */
  static Stream<String> texts(Service service) {
    var status = service.getStatus();
    var balancer = status == null ? null : status.getLoadBalancer();
    return balancer == null || balancer.getIngress() == null
        ? Stream.of()
        : balancer.getIngress().stream().map(ServiceRequest::text);
  }

  private static String text(LoadBalancerIngress ingress) {
    return Objects.requireNonNullElse(ingress.getIp(), "");
  }

  /** Namespace and name. */
  String key() {
    return key(service);
  }

  static String key(Service service) {
    return service.getMetadata().getNamespace() + "/" + service.getMetadata().getName();
  }

  String namespace() {
    return service.getMetadata().getNamespace();
  }

  /** Whether it may use a pool. */
  boolean fits(CheckedPool pool) {
    var labels = service.getMetadata().getLabels();
    return pool.serves(namespace(), namespaceLabels, labels == null ? Map.of() : labels);
  }

  /** The name of the VirtualIP that it has for itself alone, if it is local. */
  String ownVirtualIp() {
    // With a dot, which neither part can have, no two Services come to the same name.
    return "svc-" + namespace() + "." + service.getMetadata().getName();
  }

  /**
   * The port where kube-proxy tells whether the node has Ready endpoints; 0 if it tells nothing.
   */
  int healthPort() {
    return Objects.requireNonNullElse(service.getSpec().getHealthCheckNodePort(), 0);
  }

  /** Why it cannot share an address with a Service that has it, and what to do; null if it can. */
  String obstacle(ServiceRequest other) {
    if (sharingKey == null || !sharingKey.equals(other.sharingKey)) {
      return "Service %s has it: give both the same virtualip.dev/sharing-key, or ask for another"
          .formatted(other.key());
    }
    if (local || other.local) {
      return "Service %s has it, and with externalTrafficPolicy Local no address is shared: use Cluster"
          .formatted(other.key());
    }
    var common = new TreeSet<>(ports);
    common.retainAll(other.ports);
    return common.isEmpty()
        ? null
        : "Service %s has it with %s too: use other ports, or ask for another address"
            .formatted(other.key(), common.first());
  }
}
