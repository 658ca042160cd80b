package dev.virtualip.operator.act;

import dev.virtualip.crds.IpPrefix;
import dev.virtualip.crds.Problem;
import dev.virtualip.crds.VirtualIp;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.net.HttpURLConnection;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes {@code spec.dns} of all VirtualIPs as one DNSEndpoint of ExternalDNS, since it does not
 * add up what several of them say about one name.
 */
public final class DnsRecords {
  private static final Logger LOG = LoggerFactory.getLogger(DnsRecords.class);
  private static final String NAME = "virtualip";
  private static final String FIELD_MANAGER = "virtualip-operator";
  private static final ResourceDefinitionContext DNS_ENDPOINTS =
      new ResourceDefinitionContext.Builder()
          .withGroup("externaldns.k8s.io")
          .withVersion("v1alpha1")
          .withKind("DNSEndpoint")
          .withPlural("dnsendpoints")
          .withNamespaced(true)
          .build();

  private final KubernetesClient client;
  private final String namespace;
  private boolean gone;
  private String warned = "";

  public DnsRecords(KubernetesClient client, String namespace) {
    this.client = client;
    this.namespace = namespace;
  }

  /**
   * One name and type of record, in the form of DNSEndpoint's {@code spec.endpoints}.
   *
   * @param recordType A or AAAA
   */
  public record Endpoint(String dnsName, String recordType, int recordTTL, List<String> targets) {
    /** As the API server has it. */
    Map<String, Object> fields() {
      return Map.of(
          "dnsName", dnsName,
          "recordType", recordType,
          "recordTTL", recordTTL,
          "targets", targets);
    }
  }

  /**
   * What ought to be published.
   *
   * @param endpoints by name and type
   * @param untouched names whose records stay as they are: a VirtualIP that lists them is not
   *     accepted, and what it serves by an earlier version is not known here
   */
  public record Wanted(List<Endpoint> endpoints, Set<String> untouched) {}

  /** Works out what ought to be published. */
  public static Wanted wanted(Collection<VirtualIp> vips, Map<String, List<Problem>> problems) {
    var untouched = new HashSet<String>();
    var targets = new TreeMap<String, TreeSet<String>>();
    var ttls = new TreeMap<String, Integer>();
    for (var vip : vips) {
      var spec = vip.getSpec();
      if (spec == null || spec.dns() == null) {
        continue;
      }
      if (!problems.get(vip.getMetadata().getName()).isEmpty()) {
        untouched.addAll(spec.dns().hostnames());
        continue;
      }
      for (var name : spec.dns().hostnames()) {
        ttls.merge(name, spec.dns().ttl(), Math::min);
        for (var address : spec.addresses()) {
          var target = IpPrefix.parse(address.address()).address();
          if (!target.isLinkLocalAddress()) {
            targets
                .computeIfAbsent(key(name, target), _ -> new TreeSet<>())
                .add(IpPrefix.text(target));
          }
        }
      }
    }
    var endpoints = new ArrayList<Endpoint>();
    targets.forEach(
        (key, addresses) -> {
          var name = key.split(" ")[0];
          if (!untouched.contains(name)) {
            endpoints.add(
                new Endpoint(name, key.split(" ")[1], ttls.get(name), List.copyOf(addresses)));
          }
        });
    return new Wanted(endpoints, untouched);
  }

  private static String key(String name, InetAddress target) {
    return name + (target.getAddress().length == 4 ? " A" : " AAAA");
  }

  /**
   * Makes the DNSEndpoint what it ought to be, also after somebody else has changed it. That
   * DNSEndpoints do not exist in this cluster, or may not be written, is told once and keeps
   * nothing else from being done.
   *
   * @throws KubernetesClientException if the API server fails
   */
  public void sync(Collection<VirtualIp> vips, Map<String, List<Problem>> problems) {
    var wanted = wanted(vips, problems);
    boolean nothing = wanted.endpoints().isEmpty() && wanted.untouched().isEmpty();
    if (nothing && gone) {
      return;
    }
    try {
      var object =
          client.genericKubernetesResources(DNS_ENDPOINTS).inNamespace(namespace).withName(NAME);
      var current = object.get();
      if (nothing) {
        if (current != null) {
          object.delete();
          LOG.info("dns_deleted");
        }
      } else {
        publish(wanted, current);
      }
      gone = nothing;
      warned = "";
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_NOT_FOUND
          && e.getCode() != HttpURLConnection.HTTP_FORBIDDEN) {
        throw e;
      }
      gone = nothing;
      if (!nothing) {
        warn(e);
      }
    }
  }

  private void publish(Wanted wanted, GenericKubernetesResource current) {
    var endpoints = new ArrayList<Object>();
    wanted.endpoints().forEach(endpoint -> endpoints.add(endpoint.fields()));
    if (current != null && current.get("spec", "endpoints") instanceof List<?> there) {
      there.stream()
          .filter(
              e -> e instanceof Map<?, ?> map && wanted.untouched().contains(map.get("dnsName")))
          .forEach(endpoints::add);
      if (endpoints.equals(there)) {
        return;
      }
    }
    client
        .resource(object(endpoints))
        .fieldManager(FIELD_MANAGER)
        .forceConflicts()
        .serverSideApply();
    LOG.info("dns_published endpoints={} untouched={}", wanted.endpoints(), wanted.untouched());
  }

  private GenericKubernetesResource object(List<Object> endpoints) {
    return new GenericKubernetesResourceBuilder()
        .withApiVersion(DNS_ENDPOINTS.getGroup() + "/" + DNS_ENDPOINTS.getVersion())
        .withKind(DNS_ENDPOINTS.getKind())
        .withNewMetadata()
        .withName(NAME)
        .withNamespace(namespace)
        .addToLabels("app.kubernetes.io/part-of", "virtualip")
        .addToLabels("app.kubernetes.io/managed-by", "virtualip-operator")
        .endMetadata()
        .addToAdditionalProperties("spec", Map.of("endpoints", endpoints))
        .build();
  }

  private void warn(KubernetesClientException e) {
    var text =
        e.getCode() == HttpURLConnection.HTTP_FORBIDDEN
            ? "grant get, create, patch and delete of dnsendpoints in " + namespace
            : "there are no DNSEndpoints in this cluster: install ExternalDNS with its CRD";
    if (!text.equals(warned)) {
      warned = text;
      LOG.warn("dns_not_published reason=\"{}\"", text);
    }
  }
}
