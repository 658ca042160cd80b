package dev.virtualip.vip.tell;

import dev.virtualip.crds.schema.PoolServices;
import dev.virtualip.crds.schema.VirtualIp;
import io.fabric8.kubernetes.api.model.LoadBalancerIngress;
import io.fabric8.kubernetes.api.model.Service;
import io.fabric8.kubernetes.api.model.ServicePort;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The Services of type LoadBalancer that are served, and which VirtualIPs have their addresses. */
public final class Services {
  private static final String NONE = "-";

  private Services() {}

  /**
   * Those of our class, and those without a class that have an address of a lane: whether the
   * operator serves the others too only it knows.
   */
  public static List<Service> ours(Collection<Service> services, Collection<VirtualIp> vips) {
    var lanes = lanes(vips);
    return services.stream()
        .filter(service -> service.getSpec() != null)
        .filter(service -> "LoadBalancer".equals(service.getSpec().getType()))
        .filter(
            service -> {
              var of = service.getSpec().getLoadBalancerClass();
              return of == null
                  ? addresses(service).stream().anyMatch(lanes::containsKey)
                  : of.equals(PoolServices.CLASS);
            })
        .sorted(
            Comparator.comparing((Service s) -> s.getMetadata().getNamespace())
                .thenComparing(s -> s.getMetadata().getName()))
        .toList();
  }

  /** A line for each Service. */
  public static List<String> table(Collection<Service> services, Collection<VirtualIp> vips) {
    var lanes = lanes(vips);
    var table =
        new Table("NAMESPACE", "NAME", "ADDRESSES", "VIRTUALIP", "MASTER", "PORTS", "SHARING KEY");
    for (var service : services) {
      var of = addresses(service).stream().map(lanes::get).filter(Objects::nonNull).toList();
      table.row(
          service.getMetadata().getNamespace(),
          service.getMetadata().getName(),
          text(addresses(service).stream()),
          text(of.stream().map(vip -> vip.getMetadata().getName())),
          text(of.stream().flatMap(vip -> Reports.masters(vip).stream())),
          ports(service),
          sharingKey(service));
    }
    return table.lines();
  }

  /** The VirtualIPs that were made for Services, by their addresses. */
  private static Map<String, VirtualIp> lanes(Collection<VirtualIp> vips) {
    var lanes = new LinkedHashMap<String, VirtualIp>();
    for (var vip : vips) {
      var labels = vip.getMetadata().getLabels();
      if (labels != null && labels.containsKey(PoolServices.LABEL)) {
        vip.getSpec()
            .addresses()
            .forEach(address -> lanes.put(address.address().replaceFirst("/.*", ""), vip));
      }
    }
    return lanes;
  }

  private static List<String> addresses(Service service) {
    var status = service.getStatus();
    var balancer = status == null ? null : status.getLoadBalancer();
    return balancer == null || balancer.getIngress() == null
        ? List.of()
        : balancer.getIngress().stream()
            .map(LoadBalancerIngress::getIp)
            .filter(Objects::nonNull)
            .toList();
  }

  private static String ports(Service service) {
    var ports = new TreeSet<String>();
    Objects.requireNonNullElse(service.getSpec().getPorts(), List.<ServicePort>of())
        .forEach(
            port ->
                ports.add(
                    port.getPort() + "/" + Objects.requireNonNullElse(port.getProtocol(), "TCP")));
    return text(ports.stream());
  }

  private static String sharingKey(Service service) {
    var annotations = service.getMetadata().getAnnotations();
    return annotations == null
        ? NONE
        : PoolServices.SHARING_KEYS.stream()
            .map(annotations::get)
            .filter(key -> key != null && !key.isBlank())
            .map(String::strip)
            .findFirst()
            .orElse(NONE);
  }

  private static String text(Stream<String> parts) {
    var text = parts.distinct().collect(Collectors.joining(", "));
    return text.isEmpty() ? NONE : text;
  }
}
