/** How judged candidates become preference pairs. */
package org.autodidact.engine.pairs;
