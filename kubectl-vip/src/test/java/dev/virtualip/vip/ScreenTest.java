package dev.virtualip.vip;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;

class ScreenTest {
  private static String shown(boolean terminal, String line) {
    var out = new StringWriter();
    new Screen(new PrintWriter(out), terminal, terminal).replace(List.of(line));
    return out.toString();
  }

  @Test
  void statesHaveColoursOnATerminalAlone() {
    assertEquals("node-a Master\n", shown(false, "node-a Master"));
    assertEquals(
        "\u001b[H\u001b[2Jnode-a \u001b[32mMaster\u001b[0m, \u001b[31mFault\u001b[0m\n",
        shown(true, "node-a Master, Fault"));
  }

  @Test
  void whatIsTrueMayBeBad() {
    assertEquals(
        "\u001b[H\u001b[2J\u001b[32mReady=True\u001b[0m, \u001b[31mDegraded=True\u001b[0m\n",
        shown(true, "Ready=True, Degraded=True"));
  }

  @Test
  void aStatusTakesNoTerminalOver() {
    assertEquals("?[2J?]0;title?\n", shown(false, "\u001b[2J\u001b]0;title\u0007"));
  }
}
