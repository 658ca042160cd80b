package dev.virtualip.agent.source;

import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.check.Problem;
import dev.virtualip.crds.schema.SecretKey;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpPool;
import dev.virtualip.crds.schema.VirtualIpSpec;
import io.fabric8.kubernetes.api.model.ObjectMetaBuilder;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The configuration as a source last saw it. Equal values ask for the same work. Do not modify its
 * content.
 *
 * @param virtualIps all VirtualIPs, sorted by name, whether they select this node or not. Their
 *     status has at most the request to this node, the nodes that run it, and their keys of signed
 *     adverts; their metadata has no fields that only the API server's book-keeping changes
 * @param self this node
 * @param nodes all nodes, sorted by name and this one included, if any VirtualIP takes its peers
 *     from them; else empty
 * @param pods the pods that VirtualIPs of this node name, sorted by name; a selector that the API
 *     server has not answered yet has no entry
 * @param secrets values of the Secret keys that the VirtualIPs refer to; missing keys have no entry
 * @param refused problems of newest versions that the source itself cannot read, by name of the
 *     VirtualIP; {@code virtualIps} then has the last good version, if there was one
 * @param pools all VirtualIPPools, with name and spec alone
 * @param tellable names of the Secrets whose values notifications may have
 */
public record Desired(
    List<VirtualIp> virtualIps,
    NodeFacts self,
    List<NodeFacts> nodes,
    Map<PodSelector, List<PodFacts>> pods,
    Map<SecretKey, byte[]> secrets,
    Map<String, List<Problem>> refused,
    List<VirtualIpPool> pools,
    Set<String> tellable) {

  /** Copies the collections. */
  public Desired {
    virtualIps = List.copyOf(virtualIps);
    nodes = List.copyOf(nodes);
    pods = Map.copyOf(pods);
    secrets = Map.copyOf(secrets);
    refused = Map.copyOf(refused);
    pools = List.copyOf(pools);
    tellable = Set.copyOf(tellable);
  }

  /** A configuration without pods and pools. */
  public Desired(
      List<VirtualIp> virtualIps,
      NodeFacts self,
      List<NodeFacts> nodes,
      Map<SecretKey, byte[]> secrets,
      Map<String, List<Problem>> refused) {
    this(virtualIps, self, nodes, Map.of(), secrets, refused, List.of(), Set.of());
  }

  /** The same with these pods. */
  public Desired with(Map<PodSelector, List<PodFacts>> others) {
    return new Desired(virtualIps, self, nodes, others, secrets, refused, pools, tellable);
  }

  /** The same with these pools. */
  public Desired with(List<VirtualIpPool> others) {
    return new Desired(virtualIps, self, nodes, pods, secrets, refused, others, tellable);
  }

  /**
   * The same with these names of Secrets that notifications may use; those that nobody refers to
   * are left out.
   */
  public Desired withTellable(Set<String> names) {
    var own = secrets.keySet().stream().map(SecretKey::name).collect(Collectors.toSet());
    own.retainAll(names);
    return new Desired(virtualIps, self, nodes, pods, secrets, refused, pools, own);
  }

  /** The values of Secrets that notifications may use. */
  public Map<SecretKey, byte[]> tellableSecrets() {
    return secrets.entrySet().stream()
        .filter(secret -> tellable.contains(secret.getKey().name()))
        .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue));
  }

  /** Whether both differ in pods at most, which may change many times a second. */
  public boolean isButForPods(Desired other) {
    return with(Map.of()).equals(other.with(Map.of()));
  }

  /**
   * Strips and sorts the VirtualIPs, and looks up the Secrets and nodes that they refer to.
   *
   * @param nodes all known nodes
   * @param secret the value of a Secret key, empty if there is none; a trailing line end is
   *     dropped, since editors and {@code echo} add one
   */
  public static Desired of(
      Collection<VirtualIp> virtualIps,
      NodeFacts self,
      Collection<NodeFacts> nodes,
      Function<SecretKey, Optional<byte[]>> secret,
      Map<String, List<Problem>> refused) {
    var stripped =
        virtualIps.stream()
            .map(Desired::stripped)
            .sorted(Comparator.comparing(vip -> vip.getMetadata().getName()))
            .toList();
    var secrets = new HashMap<SecretKey, byte[]>();
    for (var key : secretKeys(stripped)) {
      secret.apply(key).ifPresent(value -> secrets.put(key, withoutLineEnd(value)));
    }
    var sorted =
        usesNodes(stripped)
            ? nodes.stream().sorted(Comparator.comparing(NodeFacts::name)).toList()
            : List.<NodeFacts>of();
    return new Desired(stripped, self, sorted, secrets, refused);
  }

  /** Whether any VirtualIP takes its peers or real servers from the nodes. */
  public static boolean usesNodes(Collection<VirtualIp> virtualIps) {
    return virtualIps.stream().anyMatch(v -> v.getSpec() != null && v.getSpec().usesNodes());
  }

  /** The pods that a valid VirtualIP names: as real servers, and by {@code spec.egress}. */
  public static Set<PodSelector> podSelectors(VirtualIpSpec spec) {
    var servers =
        spec.virtualServers().stream()
            .map(server -> server.realServers().pods())
            .filter(Objects::nonNull)
            .map(PodSelector::of);
    var egress =
        spec.egress() == null
            ? Stream.<PodSelector>of()
            : spec.egress().pods().stream().map(PodSelector::of);
    return Stream.concat(servers, egress).collect(Collectors.toUnmodifiableSet());
  }

  /** The Secret keys that VirtualIPs refer to. */
  public static Set<SecretKey> secretKeys(Collection<VirtualIp> virtualIps) {
    var keys = new HashSet<SecretKey>();
    for (var vip : virtualIps) {
      var spec = vip.getSpec();
      if (spec != null && spec.authentication() != null) {
        var hmac = spec.authentication().hmac();
        Stream.of(
                spec.authentication().passwordSecretRef(),
                hmac == null ? null : hmac.keysSecretRef())
            .filter(ref -> ref != null && ref.name() != null && ref.key() != null)
            .forEach(keys::add);
      }
      if (spec != null) {
        keys.addAll(spec.notifications().secretKeys());
      }
    }
    return keys;
  }

  private static byte[] withoutLineEnd(byte[] value) {
    int length = value.length;
    if (length > 0 && value[length - 1] == '\n') {
      length -= length > 1 && value[length - 2] == '\r' ? 2 : 1;
    }
    return Arrays.copyOf(value, length);
  }

  /** An object without what only the API server's book-keeping changes; itself if it has none. */
  public static VirtualIp stripped(VirtualIp vip) {
    var metadata = vip.getMetadata();
    if (metadata.getResourceVersion() == null && metadata.getManagedFields().isEmpty()) {
      return vip;
    }
    var copy = new VirtualIp();
    copy.setMetadata(
        new ObjectMetaBuilder(vip.getMetadata())
            .withResourceVersion(null)
            .withManagedFields(List.of())
            .build());
    copy.setSpec(vip.getSpec());
    copy.setStatus(vip.getStatus());
    return copy;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Desired that
        && virtualIps.equals(that.virtualIps)
        && self.equals(that.self)
        && refused.equals(that.refused)
        && pools.equals(that.pools)
        && tellable.equals(that.tellable)
        && nodes.equals(that.nodes)
        && pods.equals(that.pods)
        && hasSecretsOf(that);
  }

  /** Whether both have the same keys of Secrets with the same values. */
  public boolean hasSecretsOf(Desired other) {
    return secrets.keySet().equals(other.secrets.keySet())
        && secrets.entrySet().stream()
            .allMatch(e -> Arrays.equals(e.getValue(), other.secrets.get(e.getKey())));
  }

  @Override
  public int hashCode() {
    return 31 * virtualIps.hashCode() + self.hashCode();
  }

  /** Without the values of Secrets, as it may be logged. */
  @Override
  public String toString() {
    var names = virtualIps.stream().map(vip -> vip.getMetadata().getName()).toList();
    return "Desired[virtualIps=" + names + ", self=" + self + ", secrets=" + secrets.keySet() + "]";
  }
}
