package dev.virtualip.operator.act;

import dev.virtualip.operator.decide.DnsDecision;
import io.fabric8.kubernetes.api.model.GenericKubernetesResource;
import io.fabric8.kubernetes.api.model.GenericKubernetesResourceBuilder;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.dsl.base.ResourceDefinitionContext;
import java.net.HttpURLConnection;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes {@code spec.dns} of all VirtualIPs as one DNSEndpoint of ExternalDNS, which does not
 * merge the targets of one name from several DNSEndpoints.
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
   * Applies or deletes the DNSEndpoint, also after another client has changed it. If DNSEndpoints
   * do not exist in this cluster, or may not be written, that is logged once and is no failure.
   *
   * @throws KubernetesClientException if the API server fails
   */
  public void sync(DnsDecision wanted) {
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

  private void publish(DnsDecision wanted, GenericKubernetesResource current) {
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
