/**
 * The rules that every Generator, Judge, PairSelector and Trainer keeps, as JUnit 5 classes to
 * extend.
 */
package org.autodidact.conformance;
