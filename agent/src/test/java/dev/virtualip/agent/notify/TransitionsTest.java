package dev.virtualip.agent.notify;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.virtualip.agent.notify.Transitions.Outgoing;
import dev.virtualip.crds.schema.Notifications.State;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TransitionsTest {
  private final Transitions transitions = new Transitions("node-b");
  private final List<String> lines = new ArrayList<>();

  private void runs(String name, String group) {
    transitions.runs(name, Notes.spec(group == null ? "" : "syncGroup: " + group));
  }

  /** What a script would be told. */
  private List<String> told(String name, State state) {
    return transitions.changed(name, state, Notes.status("Why")).stream()
        .map(Outgoing::notification)
        .map(note -> String.join(" ", note.arguments()))
        .toList();
  }

  private void all(State state, String... names) {
    Stream.of(names).forEach(name -> lines.addAll(told(name, state)));
  }

  @Test
  void eachOtherStateIsToldOnce() {
    runs("web", null);
    assertEquals(List.of(), told("web", null), "before the first checks have answered");
    assertEquals(List.of("INSTANCE web BACKUP 80"), told("web", State.Backup));
    assertEquals(List.of("INSTANCE web MASTER 80"), told("web", State.Master));
    assertEquals(List.of("INSTANCE web FAULT 80"), told("web", State.Fault));
    assertEquals(List.of(), told("web", State.Fault), "another reason is no other state");
    assertEquals(List.of("INSTANCE web BACKUP 80"), told("web", State.Backup));
    assertEquals(List.of("INSTANCE web STOP 80"), told("web", State.Stop));
  }

  @Test
  void theStateBeforeAndTheReasonAreKnown() {
    runs("web", null);
    var first = transitions.changed("web", State.Backup, Notes.status("Started"));
    var second = transitions.changed("web", State.Master, Notes.status("MasterDown"));
    assertEquals(
        "VirtualIP web is BACKUP on node-b (Started): 203.0.113.10/24",
        first.getFirst().notification().sentence());
    assertEquals(Notes.MASTER, second.getFirst().notification());
    assertEquals(
        "VirtualIP web is MASTER on node-b, was BACKUP (MasterDown): 203.0.113.10/24",
        second.getFirst().notification().sentence());
  }

  @Test
  void aVirtualIpThatDoesNotRunIsNotTold() {
    assertEquals(List.of(), told("web", State.Fault));
  }

  @Test
  void theEndIsToldAfterTheObjectIsGoneAndTheNextLifeBeginsAnew() {
    runs("web", null);
    told("web", State.Master);
    assertEquals(List.of("INSTANCE web DELETED 80"), told("web", State.Deleted));
    transitions.removed("web");
    assertEquals(List.of(), told("web", State.Backup));
    runs("web", null);
    var again = transitions.changed("web", State.Backup, Notes.status("Started"));
    assertEquals(null, again.getFirst().notification().previous());
  }

  /** The order of keepalived 2.2.7, seen in the lab. */
  @Test
  void aGroupHasTheStateOfAllItsMembersOrTheFirstFault() {
    runs("a", "edge");
    runs("b", "edge");
    all(State.Backup, "a", "b");
    all(State.Master, "b", "a");
    all(State.Fault, "a", "b");
    all(State.Backup, "a", "b");
    all(State.Stop, "b", "a");
    assertEquals(
        List.of(
            "INSTANCE a BACKUP 80",
            "INSTANCE b BACKUP 80",
            "GROUP edge BACKUP 0",
            "INSTANCE b MASTER 80",
            "INSTANCE a MASTER 80",
            "GROUP edge MASTER 0",
            "INSTANCE a FAULT 80",
            "GROUP edge FAULT 0",
            "INSTANCE b FAULT 80",
            "INSTANCE a BACKUP 80",
            "INSTANCE b BACKUP 80",
            "GROUP edge BACKUP 0",
            "INSTANCE b STOP 80",
            "INSTANCE a STOP 80",
            "GROUP edge STOP 0"),
        lines);
  }

  @Test
  void aGroupOutlivesAMemberAndEndsWithTheLast() {
    runs("a", "edge");
    runs("b", "edge");
    all(State.Master, "a", "b");
    assertEquals(List.of("INSTANCE b DELETED 80"), told("b", State.Deleted));
    transitions.removed("b");
    assertEquals(List.of("INSTANCE a DELETED 80"), told("a", State.Deleted));
    transitions.removed("a");
    runs("a", "edge");
    assertEquals(List.of("INSTANCE a MASTER 80", "GROUP edge MASTER 0"), told("a", State.Master));
  }

  @Test
  void membersOfAGroupShareAQueueAndAllTheirSettingsCount() {
    runs("a", "edge");
    runs("b", "edge");
    runs("c", null);
    transitions.changed("a", State.Backup, Notes.status(""));
    var told = transitions.changed("b", State.Backup, Notes.status(""));
    assertEquals(
        List.of(List.of("b"), List.of("a", "b")), told.stream().map(Outgoing::virtualIps).toList());
    assertEquals(List.of("group edge", "group edge"), told.stream().map(Outgoing::queue).toList());
    assertEquals(
        List.of("203.0.113.10/24", "203.0.113.10/24"), told.getLast().notification().addresses());
    assertEquals(
        "VirtualIP c", transitions.changed("c", State.Backup, Notes.status("")).getFirst().queue());
  }
}
