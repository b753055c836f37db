package org.autodidact.cli;

import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

@AnalyzeClasses(
    packages = "org.autodidact.cli",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  @ArchTest
  static final ArchRule THERE_IS_NO_PACKAGE_CYCLE =
      slices().matching("org.autodidact.cli.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule COMMANDS_USE_OPTIONS_AND_OPTIONS_USE_OUTPUT =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("main")
          .definedBy("org.autodidact.cli")
          .layer("commands")
          .definedBy("org.autodidact.cli.commands")
          .layer("options")
          .definedBy("org.autodidact.cli.options")
          .layer("output")
          .definedBy("org.autodidact.cli.output")
          .layer("process")
          .definedBy("org.autodidact.cli.process")
          .whereLayer("main")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("commands")
          .mayOnlyBeAccessedByLayers("main")
          .whereLayer("options")
          .mayOnlyBeAccessedByLayers("main", "commands")
          .whereLayer("output")
          .mayOnlyBeAccessedByLayers("commands", "options");
}
