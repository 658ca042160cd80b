package dev.virtualip.agent.report;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.turbo.MDCFilter;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.spi.ContextAwareBase;
import dev.virtualip.log.LineEncoder;
import java.util.Objects;

/**
 * Configures the agent's log: lines to standard error in the format of {@link LineEncoder}, from
 * the level {@code LOG_LEVEL} on (INFO by default). It is code instead of an XML file, because the
 * JVM would load hundreds of classes to read one.
 */
public final class Logs extends ContextAwareBase implements Configurator {
  /**
   * Log statements with this key in the MDC are dropped: they come from a rehearsal, {@code
   * WarmUp}.
   */
  public static final String REHEARSAL = "rehearsal";

  private static volatile boolean program;

  /**
   * Call before the first log statement. Only a JVM that is the agent itself gets this
   * configuration, not a test or the lab.
   */
  public static void ofProgram() {
    program = true;
  }

  /** {@inheritDoc} */
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (!program) {
      // Tests and the lab have logback files of their own.
      return ExecutionStatus.INVOKE_NEXT_IF_ANY;
    }
    var rehearsal = new MDCFilter();
    rehearsal.setMDCKey(REHEARSAL);
    rehearsal.setValue("true");
    rehearsal.setOnMatch("DENY");
    rehearsal.start();
    context.addTurboFilter(rehearsal);
    var encoder = new LineEncoder();
    encoder.setContext(context);
    encoder.setFormat(Objects.requireNonNullElse(System.getenv("LOG_FORMAT"), "text"));
    encoder.start();
    var appender = new ConsoleAppender<ILoggingEvent>();
    appender.setContext(context);
    appender.setTarget("System.err");
    appender.setEncoder(encoder);
    appender.start();
    var root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    root.setLevel(Level.toLevel(System.getenv("LOG_LEVEL"), Level.INFO));
    // The client logs a stack trace for each try while the API server is away; the agent logs that
    // once.
    context.getLogger("io.fabric8").setLevel(Level.ERROR);
    context.getLogger("org.pcap4j").setLevel(Level.WARN);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
