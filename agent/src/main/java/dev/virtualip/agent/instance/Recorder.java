package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.VirtualRouter;
import java.util.List;

/**
 * Receives every event and every effect of the virtual routers. Called by the event loop's thread;
 * must not block.
 */
public interface Recorder {
  /** Records nothing. */
  Recorder NONE =
      new Recorder() {
        @Override
        public void started(String virtualIp, VirtualRouter router) {}

        @Override
        public void stepped(String virtualIp, long at, Event event, List<Effect> effects) {}
      };

  /** A virtual router begins, or begins again after a restart. */
  void started(String virtualIp, VirtualRouter router);

  /**
   * A virtual router has made a step.
   *
   * @param at time of the step, in nanoseconds of the event loop's clock
   */
  void stepped(String virtualIp, long at, Event event, List<Effect> effects);
}
