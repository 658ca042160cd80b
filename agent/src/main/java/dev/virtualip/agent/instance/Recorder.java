package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.Effect;
import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.VirtualRouter;
import java.util.List;

/** Is told all that virtual routers are told and answer; called by the event loop's thread. */
public interface Recorder {
  /** Records nothing. */
  Recorder NONE =
      new Recorder() {
        @Override
        public void started(String virtualIp, VirtualRouter router) {}

        @Override
        public void stepped(String virtualIp, long at, Event event, List<Effect> effects) {}
      };

  /** A virtual router begins, or begins anew. */
  void started(String virtualIp, VirtualRouter router);

  /**
   * A virtual router has made a step.
   *
   * @param at the step's time in nanoseconds
   */
  void stepped(String virtualIp, long at, Event event, List<Effect> effects);
}
