package dev.virtualip.log;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class LogLevelTest {
  private final Logger root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
  private final Level before = root.getLevel();
  private LogLevel level;

  @BeforeEach
  void start() {
    root.setLevel(Level.WARN);
    level = new LogLevel();
  }

  @AfterEach
  void restore() {
    root.setLevel(before);
  }

  @Test
  void itIsWhatIsAskedFor() {
    for (var asked : new String[] {"TRACE", "debug", "Info", "WARN", "ERROR"}) {
      level.follow(asked);
      assertEquals(Level.toLevel(asked), root.getLevel());
    }
  }

  @Test
  void withoutAWishItIsThatOfTheStart() {
    level.follow("DEBUG");
    level.follow(null);
    assertEquals(Level.WARN, root.getLevel());
  }

  /** Nobody wants a program that says nothing at all, so OFF is none. */
  @Test
  void whatIsNoLevelIsThatOfTheStart() {
    for (var wrong : new String[] {"OFF", "ALL", "verbose", ""}) {
      level.follow("DEBUG");
      level.follow(wrong);
      assertEquals(Level.WARN, root.getLevel(), wrong);
    }
  }
}
