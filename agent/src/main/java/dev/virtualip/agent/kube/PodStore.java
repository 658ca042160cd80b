package dev.virtualip.agent.kube;

import dev.virtualip.agent.source.PodFacts;
import io.fabric8.kubernetes.api.model.ObjectMeta;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.PodCondition;
import io.fabric8.kubernetes.api.model.PodStatus;
import io.fabric8.kubernetes.client.informers.cache.BasicItemStore;
import io.fabric8.kubernetes.client.informers.cache.Cache;
import java.util.List;

/** Keeps of pods only what {@link PodFacts} are made of: there may be thousands. */
final class PodStore extends BasicItemStore<Pod> {
  private static final List<PodCondition> READY = List.of(condition());

  PodStore() {
    super(Cache::metaNamespaceKeyFunc);
  }

  private static PodCondition condition() {
    var ready = new PodCondition();
    ready.setType("Ready");
    ready.setStatus("True");
    return ready;
  }

  @Override
  public Pod put(String key, Pod pod) {
    return super.put(key, slim(pod));
  }

  private static Pod slim(Pod pod) {
    var metadata = new ObjectMeta();
    metadata.setNamespace(pod.getMetadata().getNamespace());
    metadata.setName(pod.getMetadata().getName());
    metadata.setResourceVersion(pod.getMetadata().getResourceVersion());
    metadata.setDeletionTimestamp(pod.getMetadata().getDeletionTimestamp());
    var status = new PodStatus();
    status.setConditions(PodFacts.isReady(pod) ? READY : List.of());
    if (pod.getStatus() != null) {
      status.setPodIPs(pod.getStatus().getPodIPs());
      status.setPhase(pod.getStatus().getPhase());
    }
    return new Pod(null, null, metadata, null, status);
  }
}
