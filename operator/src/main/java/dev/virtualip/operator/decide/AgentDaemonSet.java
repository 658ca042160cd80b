package dev.virtualip.operator.decide;

import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.NodeSelectorTerm;
import io.fabric8.kubernetes.api.model.NodeSelectorTermBuilder;
import io.fabric8.kubernetes.api.model.apps.DaemonSet;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.SequencedCollection;

/** The desired DaemonSet of the agents. */
public final class AgentDaemonSet {
  /** Annotation of the agents' pods with their revision, see {@link #revision}. */
  public static final String REVISION = "virtualip.dev/revision";

  private static final int PORT = 9405;

  private static final String SCRIPTS_AT = "/etc/virtualip/scripts";

  private static final String TEMPLATE = read("agent-daemonset.yaml");

  private AgentDaemonSet() {}

  /**
   * The DaemonSet for these nodes.
   *
   * @param nodes names of the nodes, at least one, in order
   */
  public static DaemonSet desired(Settings settings, SequencedCollection<String> nodes) {
    var template = template(settings);
    return template
        .edit()
        .editMetadata()
        .withNamespace(settings.namespace())
        .endMetadata()
        .editSpec()
        .editTemplate()
        .editMetadata()
        .addToAnnotations(REVISION, revision(template))
        .endMetadata()
        .editSpec()
        .withNewAffinity()
        .withNewNodeAffinity()
        .withNewRequiredDuringSchedulingIgnoredDuringExecution()
        .withNodeSelectorTerms(nodes.stream().map(AgentDaemonSet::only).toList())
        .endRequiredDuringSchedulingIgnoredDuringExecution()
        .endNodeAffinity()
        .endAffinity()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }

  private static DaemonSet template(Settings settings) {
    var template = Serialization.unmarshal(TEMPLATE, DaemonSet.class);
    var agent = template.getSpec().getTemplate().getSpec().getContainers().getFirst();
    agent.setImage(settings.agentImage());
    if (settings.resources() != null) {
      agent.setResources(settings.resources());
    }
    if (settings.jsonLogs()) {
      agent.getEnv().add(new EnvVar("LOG_FORMAT", "json", null));
    }
    if (settings.openMetrics()) {
      template = withOpenMetrics(template);
    }
    if (settings.hostPid()) {
      template.getSpec().getTemplate().getSpec().setHostPID(true);
    }
    return settings.scripts() == null ? template : withScripts(template, settings.scripts());
  }

  private static DaemonSet withOpenMetrics(DaemonSet template) {
    return template
        .edit()
        .editSpec()
        .editTemplate()
        .editSpec()
        .editFirstContainer()
        // The node's own address, as the kubelet knows it: a VirtualIP is for its service's
        // clients.
        .addToArgs("--metrics", "$(HOST_IP):" + PORT)
        .addNewEnv()
        .withName("HOST_IP")
        .withNewValueFrom()
        .withNewFieldRef()
        .withFieldPath("status.hostIP")
        .endFieldRef()
        .endValueFrom()
        .endEnv()
        .addNewPort()
        .withName("http")
        .withContainerPort(PORT)
        // The API server would set it anyway, as the pod uses the host network.
        .withHostPort(PORT)
        .withProtocol("TCP")
        .endPort()
        .endContainer()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }

  /**
   * Adds the scripts, and the capabilities to run them as nobody. The ConfigMap is optional: an
   * agent without scripts must still run.
   */
  private static DaemonSet withScripts(DaemonSet template, String configMap) {
    return template
        .edit()
        .editSpec()
        .editTemplate()
        .editSpec()
        .editFirstContainer()
        .addToArgs("--scripts", SCRIPTS_AT)
        .editSecurityContext()
        .editCapabilities()
        .addToAdd("SETUID", "SETGID")
        .endCapabilities()
        .endSecurityContext()
        .addNewVolumeMount()
        .withName("scripts")
        .withMountPath(SCRIPTS_AT)
        .withReadOnly(true)
        .endVolumeMount()
        .endContainer()
        .addNewVolume()
        .withName("scripts")
        .withNewConfigMap()
        .withName(configMap)
        .withOptional(true)
        .withDefaultMode(0555)
        .endConfigMap()
        .endVolume()
        .endSpec()
        .endTemplate()
        .endSpec()
        .build();
  }

  /**
   * The revision that agents have with these settings: the annotation {@link #REVISION} of their
   * pods.
   */
  public static String revision(Settings settings) {
    return revision(template(settings));
  }

  /**
   * A term for one node: Kubernetes allows one node name in a term, and combines the terms with OR.
   */
  private static NodeSelectorTerm only(String node) {
    return new NodeSelectorTermBuilder()
        .addNewMatchField()
        .withKey("metadata.name")
        .withOperator("In")
        .withValues(node)
        .endMatchField()
        .build();
  }

  /**
   * A digest of the pod template without its nodes. Kubernetes' own template hash includes the
   * nodes: by it each new or removed node would restart all agents, and so move every address.
   */
  private static String revision(DaemonSet template) {
    try {
      var json = Serialization.asJson(template.getSpec().getTemplate());
      var digest =
          MessageDigest.getInstance("SHA-256").digest(json.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private static String read(String name) {
    try (var in = AgentDaemonSet.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
