package dev.virtualip.agent.kube;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonIncludeProperties;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.fabric8.kubernetes.api.model.Node;
import io.fabric8.kubernetes.api.model.NodeSpec;
import io.fabric8.kubernetes.api.model.NodeStatus;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.api.model.Secret;
import io.fabric8.kubernetes.api.model.Status;
import io.fabric8.kubernetes.client.utils.KubernetesSerialization;
import java.util.List;

/**
 * The kinds of objects that the agent reads, and the fields of each. By default the client would
 * load the classes of all Kubernetes kinds, and Jackson those of all fields.
 */
final class Kinds {
  private Kinds() {}

  @JsonIgnoreProperties("managedFields")
  private interface OfMetadata {}

  @JsonIgnoreProperties("spec")
  private interface OfPod {}

  @JsonIncludeProperties({"conditions", "phase", "podIPs"})
  private interface OfPodStatus {}

  @JsonIncludeProperties("taints")
  private interface OfNodeSpec {}

  @JsonIncludeProperties("addresses")
  private interface OfNodeStatus {}

  /** A serialization that knows these kinds and fields only. */
  static KubernetesSerialization serialization() {
    ObjectMapper mapper =
        JsonMapper.builder()
            .addMixIn(ObjectMeta.class, OfMetadata.class)
            .addMixIn(Pod.class, OfPod.class)
            .addMixIn(PodStatus.class, OfPodStatus.class)
            .addMixIn(NodeSpec.class, OfNodeSpec.class)
            .addMixIn(NodeStatus.class, OfNodeStatus.class)
            .build();
    var serialization = new KubernetesSerialization(mapper, false);
    List.of(Node.class, Pod.class, Secret.class, Status.class)
        .forEach(serialization::registerKubernetesResource);
    return serialization;
  }
}
