package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.Event.AdvertisementReceived;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** VirtualIPs that come together in a sync group on a node in memory. */
class SyncGroupMembersTest {
  private static final long SECOND = 1_000_000_000L;
  private static final InetAddress PEER = InetAddress.ofLiteral("10.0.0.12");

  private final FakeNode fake = new FakeNode();
  private final VrrpInstance inside = instance("inside", 1, "");
  private final VrrpInstance outside = instance("outside", 2, "");
  private long now = 1;

  private VrrpInstance instance(String name, int vrid, String more) {
    return new VrrpInstance(config(name, vrid, more), false, fake.node, _ -> {});
  }

  private static InstanceConfig config(String name, int vrid, String more) {
    var yaml =
        """
        metadata: {name: %s}
        spec: {vrid: %d, interface: eth0, addresses: [{address: 10.0.0.10%d/24}]%s}
        """
            .formatted(name, vrid, vrid, more);
    return InstanceConfig.from(
        Serialization.unmarshal(yaml, VirtualIp.class), "node-a", Map.of(), List.of());
  }

  private void join(VrrpInstance... instances) {
    instances[0].update(config("inside", 1, ", syncGroup: edge"), now);
    instances[1].update(config("outside", 2, ", syncGroup: edge"), now);
    SyncGroupMembers.join(List.of(instances), now);
  }

  private void expire(VrrpInstance instance) {
    now = Math.max(now, instance.deadline());
    instance.onDeadline(now);
  }

  private static List<State> states(VrrpInstance... instances) {
    return List.of(instances).stream().map(VrrpInstance::stateName).toList();
  }

  @Test
  void mastersStayMastersWhenTheyComeTogether() {
    inside.start(now);
    outside.start(now);
    expire(inside);
    expire(outside);
    fake.log.clear();
    join(inside, outside);
    assertEquals(List.of(State.Master, State.Master), states(inside, outside));
    assertEquals(0, fake.log.stream().filter("advert 0 eth0"::equals).count());
  }

  /** Its peer may be the master of the others: neither node would ever be master of all. */
  @Test
  void aMasterThatComesToBackupsBecomesOne() {
    inside.start(now);
    outside.start(now);
    expire(outside);
    join(inside, outside);
    assertEquals(List.of(State.Backup, State.Backup), states(inside, outside));
    assertEquals("SyncGroup(inside)", outside.status().reason());
    expire(inside);
    assertEquals(List.of(State.Backup, State.Backup), states(inside, outside));
    expire(outside);
    assertEquals(List.of(State.Master, State.Master), states(inside, outside));
  }

  @Test
  void aBackupThatComesToMastersFollowsThem() {
    inside.start(now);
    inside.update(config("inside", 1, ", syncGroup: edge"), now);
    SyncGroupMembers.join(List.of(inside), now);
    expire(inside);
    outside.start(now);
    join(inside, outside);
    assertEquals(List.of(State.Master, State.Backup), states(inside, outside));
    expire(outside);
    assertEquals(List.of(State.Master, State.Master), states(inside, outside));
    outside.on(new AdvertisementReceived(200, SECOND, PEER), now);
    assertEquals(List.of(State.Backup, State.Backup), states(inside, outside));
  }

  /** keepalived calls owners and others in one group an error. */
  @Test
  void evenTheOwnerWaitsForTheOthers() {
    var owner = instance("inside", 1, ", priority: 255, initialState: Master, syncGroup: edge");
    owner.start(now);
    SyncGroupMembers.join(List.of(owner), now);
    owner.evaluate(now);
    assertEquals(State.Backup, owner.stateName());
  }
}
