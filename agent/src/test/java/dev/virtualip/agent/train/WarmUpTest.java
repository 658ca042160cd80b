package dev.virtualip.agent.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.crds.schema.VirtualIpStatus.State;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.MDC;

class WarmUpTest {
  @Test
  void itGoesThroughEveryMoveOfAFailover() throws IOException {
    var states = new ArrayList<State>();
    for (var state : WarmUp.play()) {
      if (states.isEmpty() || states.getLast() != state) {
        states.add(state);
      }
    }
    assertEquals(
        List.of(
            State.Init,
            State.Backup,
            State.Master,
            State.Fault,
            State.Backup,
            State.Master,
            State.Backup,
            State.Init),
        states);
    assertNull(MDC.get("rehearsal"), "what is logged afterwards is real");
  }
}
