/** What an interrupted training resumes from, and how it knows that it is the same training. */
package org.autodidact.pytorch.state;
