/** The log format of both programs, and the handling of defects. */
package dev.virtualip.log;
