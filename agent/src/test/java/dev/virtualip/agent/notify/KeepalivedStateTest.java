package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KeepalivedStateTest {
  @ParameterizedTest
  @CsvSource(
      textBlock =
          """
          Init, Starting, 100,
          Init, CheckPending(nginx), 100,
          Backup, Started, 100, Backup
          Master, MasterDown, 100, Master
          Fault, CheckFailed(nginx), 100, Fault
          Fault, Reconfigured, 100, Fault
          Init, AgentStopped, 100, Stop
          Init, Deleted, 100, Deleted
          Init, Deselected, 100, Deleted
          Fault, InvalidSpec,,
          """)
  void aStatusIsWhatKeepalivedWouldTell(
      State state, String reason, Integer priority, Notifications.State told) {
    var status = new NodeStatus(state, priority, "", reason, null, null, null, 0L);
    assertEquals(told, KeepalivedState.of(status));
  }
}
