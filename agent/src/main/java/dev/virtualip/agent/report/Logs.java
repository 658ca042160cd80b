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
 * What the agent logs: lines to standard error, from the level in {@code LOG_LEVEL} on, INFO by
 * default, and as {@link LineEncoder} makes them. As code, since to read an XML file the JVM loads
 * hundreds of classes.
 */
public final class Logs extends ContextAwareBase implements Configurator {
  /** What is logged with this key in the MDC is dropped: it is not happening. */
  public static final String REHEARSAL = "rehearsal";

  private static volatile boolean program;

  /** This JVM is the agent, and not one that merely runs some of its code. */
  public static void ofProgram() {
    program = true;
  }

  /** Called by logback. */
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    if (!program) {
      // Tests and the lab have files of their own.
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
    // It logs a stack trace for each try while the API server is away; the agent says so once.
    context.getLogger("io.fabric8").setLevel(Level.ERROR);
    context.getLogger("org.pcap4j").setLevel(Level.WARN);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
