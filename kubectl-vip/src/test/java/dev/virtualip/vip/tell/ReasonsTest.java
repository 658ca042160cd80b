package dev.virtualip.vip.tell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class ReasonsTest {
  @Test
  void reasonsAreSentences() {
    assertEquals("check nginx fails", Reasons.words("CheckFailed(nginx)"));
    // Also of the very first master, before which none can have fallen silent.
    assertEquals("it heard no master for three advert intervals", Reasons.words("MasterDown"));
    assertEquals(
        "NIC eth1 is down, and check a has no result yet",
        Reasons.words("LinkDown(eth1), CheckPending(a)"));
    assertEquals(
        "it was asked to hand over, SwitchOver(node-b)",
        Reasons.words("HandedOver(SwitchOver(node-b))"));
  }

  @Test
  void eachReasonOfTheAgentHasWords() throws IOException {
    var agents = Path.of("../agent/src/main/java/dev/virtualip/agent/vrrp/Reason.java");
    var kinds =
        Pattern.compile("^    ([A-Z]\\w+)\\((?:true|false)\\)[,;]", Pattern.MULTILINE)
            .matcher(Files.readString(agents))
            .results()
            .map(kind -> kind.group(1))
            .toList();
    assertTrue(kinds.size() > 30, kinds::toString);
    assertEquals(
        List.of(), kinds.stream().filter(kind -> Reasons.words(kind).equals(kind)).toList());
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
