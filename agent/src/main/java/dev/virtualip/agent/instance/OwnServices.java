package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.IpvsPort;
import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.Change.DeleteService;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import java.io.IOException;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which of the kernel's virtual services are this agent's. IPVS keeps no mark, so those keys are
 * remembered, and recorded for the next life of this boot, that were wanted while no service had
 * them. All others stay as they are. Used by the event loop's thread only.
 */
final class OwnServices {
  private static final Logger LOG = LoggerFactory.getLogger(OwnServices.class);

  private final IpvsPort ipvs;
  private final Set<ServiceKey> own = new LinkedHashSet<>();
  private List<VirtualService> found = List.of();

  OwnServices(IpvsPort ipvs) {
    this.ipvs = ipvs;
  }

  /** Keys that an earlier life of this boot has recorded. */
  void recall(Set<ServiceKey> recorded) {
    own.addAll(recorded);
  }

  /**
   * Reads IPVS, unless there is nothing to be known about it.
   *
   * @param wanted keys of all configured virtual servers
   * @return whether {@link #keys} has changed
   */
  boolean read(Collection<ServiceKey> wanted) throws IOException {
    if (wanted.isEmpty() && own.isEmpty() || !ipvs.available()) {
      found = List.of();
      return false;
    }
    found = ipvs.services();
    var there = found.stream().map(VirtualService::key).collect(Collectors.toSet());
    boolean changed = own.removeIf(key -> !wanted.contains(key) && !there.contains(key));
    for (var key : wanted) {
      changed |= !there.contains(key) && own.add(key);
    }
    return changed;
  }

  /** Keys to be recorded: what IPVS has by them is this agent's. */
  Set<ServiceKey> keys() {
    return Set.copyOf(own);
  }

  /** All virtual services, as last read. */
  List<VirtualService> found() {
    return found;
  }

  /** Whether IPVS has a service with this key from somebody else, as last read. */
  boolean isOfOthers(ServiceKey key) {
    return !own.contains(key) && found.stream().anyMatch(service -> service.key().equals(key));
  }

  /** Whether the kernel has IPVS. */
  boolean available() {
    return ipvs.available();
  }

  /** Changes virtual services. */
  IpvsPort port() {
    return ipvs;
  }

  /** Removes own services that nobody holds: left-overs of an earlier life or a failed release. */
  void clear(Set<ServiceKey> held) {
    var changes =
        found.stream()
            .map(VirtualService::key)
            .filter(key -> own.contains(key) && !held.contains(key))
            .<Change>map(DeleteService::new)
            .toList();
    if (changes.isEmpty()) {
      return;
    }
    try {
      var failures = ipvs.apply(changes);
      LOG.warn("left_overs_removed changes={} failures={}", changes, failures);
    } catch (IOException e) {
      LOG.error("left_overs_not_removed error=\"{}\" action=try_again", e.getMessage());
    }
  }
}
