package dev.virtualip.e2e.bench;

import dev.virtualip.e2e.lab.ClassicPair;
import dev.virtualip.e2e.lab.Proc;

/** Events that happen to node-a while it is master, and make node-b take over. */
enum Move {
  STOP("graceful stop", "stop") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      master.stop();
    }
  },
  CRASH("crash (SIGKILL)", "crash") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      master.kill();
    }
  },
  HANG("hang (SIGSTOP)", "hang") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      master.suspend();
    }
  },
  NGINX("nginx fails", "nginx") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      pair.nginxA().kill();
    }

    @Override
    void repair(ClassicPair pair) {
      pair.nginxA().start();
    }
  },
  VIP_LINK("VIP link down", "vip-link") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      pair.nodeA().pullCable("eth1");
    }

    @Override
    void repair(ClassicPair pair) {
      pair.nodeA().plugCable("eth1");
    }
  },
  HEARTBEAT_LINK("heartbeat link down", "heartbeat-link") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      pair.nodeA().pullCable("eth0");
    }

    @Override
    void repair(ClassicPair pair) {
      pair.nodeA().plugCable("eth0");
    }
  },
  HEARTBEAT_CUT("heartbeat cut", "heartbeat-cut") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      pair.nodeA().cut("eth0");
    }

    @Override
    void repair(ClassicPair pair) {
      pair.nodeA().mend("eth0");
    }
  },
  NODE_CUT("node cut", "node-cut") {
    @Override
    void inflict(ClassicPair pair, Proc master) {
      pair.nodeA().cut("eth1");
      pair.nodeA().cut("eth0");
    }

    @Override
    void repair(ClassicPair pair) {
      pair.nodeA().mend("eth0");
      pair.nodeA().mend("eth1");
    }
  };

  private final String text;
  private final String key;

  Move(String text, String key) {
    this.text = text;
    this.key = key;
  }

  /** Causes the event. It begins at once, even if the method returns later. */
  abstract void inflict(ClassicPair pair, Proc master);

  /** Undoes the event after both programs have ended. */
  void repair(ClassicPair pair) {}

  /** Whether the nodes no longer hear each other, so that both become master by right. */
  boolean separates() {
    return this == HEARTBEAT_CUT || this == NODE_CUT;
  }

  /** Its name on the command line. */
  String key() {
    return key;
  }

  @Override
  public String toString() {
    return text;
  }
}
