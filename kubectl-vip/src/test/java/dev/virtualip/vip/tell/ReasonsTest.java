package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class ReasonsTest {
  @Test
  void reasonsAreSentences() {
    assertEquals("check nginx fails", Reasons.words("CheckFailed(nginx)"));
    assertEquals(
        "NIC eth1 is down, and check a has no result yet",
        Reasons.words("LinkDown(eth1), CheckPending(a)"));
    assertEquals(
        "it was asked to hand over, SwitchOver(node-b)",
        Reasons.words("HandedOver(SwitchOver(node-b))"));
  }

  @Test
  void whatIsNotKnownStaysAsItIs() {
    assertEquals("OfATime(to, come)", Reasons.words("OfATime(to, come)"));
    assertEquals("no reason at all", Reasons.words("no reason at all"));
    assertEquals("", Reasons.words(""));
  }

  @Test
  void argumentsAreFoundByKind() {
    assertEquals(
        List.of("a", "b"),
        Reasons.arguments("CheckFailed(a), LinkDown(eth0), CheckFailed(b)", "CheckFailed"));
  }
}
