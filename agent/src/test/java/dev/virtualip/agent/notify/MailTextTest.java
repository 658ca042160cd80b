package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.crds.schema.Notifications.State;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MailTextTest {
  /** keepalived 2.2.7's, seen in the lab. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Master | Entering MASTER state | => VRRP Instance is now owning VRRP VIPs <=
          Backup | Entering BACKUP state | => VRRP Instance is no longer owning VRRP VIPs <=
          Fault | Entering FAULT state | => VRRP Instance is no longer owning VRRP VIPs <=
          Stop | Stopping | => VRRP Instance stopping <=
          Deleted | Deleted | => VRRP Deleted at reload <=
          """)
  void subjectAndFirstLineOfAnInstance(State state, String subject, String line) {
    var note = Notes.note(state, null);
    assertEquals("[LVS_DEVEL] VRRP Instance web - " + subject, MailText.subject("LVS_DEVEL", note));
    assertEquals(line, MailText.body(note).lines().findFirst().orElseThrow());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          Master | Entering MASTER state | => All VRRP group instances are now in MASTER state <=
          Fault | Entering FAULT state | => All VRRP group instances are now in FAULT state <=
          Stop | Stopping | => All VRRP group instances are now stopping <=
          """)
  void subjectAndFirstLineOfAGroup(State state, String subject, String line) {
    assertEquals("[R] VRRP Group edge - " + subject, MailText.subject("R", Notes.group(state)));
    assertEquals(line, MailText.body(Notes.group(state)).lines().findFirst().orElseThrow());
  }

  @Test
  void theTextSaysAllThereIsToSay() {
    assertEquals(
        """
        => VRRP Instance is now owning VRRP VIPs <=

        Node:      node-b
        Addresses: 203.0.113.10/24
        State:     MASTER
        Before:    BACKUP
        Reason:    MasterDown
        Priority:  80
        Since:     2026-01-02T12:00:00.123Z
        """,
        MailText.body(Notes.MASTER));
  }
}
