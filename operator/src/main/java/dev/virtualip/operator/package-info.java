/** The operator. */
package dev.virtualip.operator;
