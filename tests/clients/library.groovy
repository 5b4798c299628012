// Runs a scripted pipeline with the steps of a shared library in packaging/jenkins, outside Jenkins: only the steps that
// the library and our pipelines use. Arguments: the library, the workspace, the pipeline.

class Failure extends Exception {
    Failure(String message) { super(message) }
}

class Agent {
    static File library
    static File workspace
    // Each withEnv adds a map; a variable with an empty value is unset, as in Jenkins.
    static LinkedList<Map<String, String>> scopes = new LinkedList([new TreeMap(System.getenv())])
}

abstract class Steps extends Script {
    Map<String, String> getEnv() { Agent.scopes.last() }

    def withEnv(List<String> variables, Closure body) {
        def scope = new TreeMap(env)
        variables.each { variable ->
            // Jenkins takes strings only.
            assert variable instanceof String || variable instanceof GString
            def (name, value) = variable.toString().split('=', 2) as List
            value.isEmpty() ? scope.remove(name) : scope.put(name, value)
        }
        Agent.scopes.add(scope)
        try { body() } finally { Agent.scopes.removeLast() }
    }

    def sh(String script) { sh(script: script) }

    // As Jenkins does: the script is a file. It is traced, unless it begins with an interpreter.
    def sh(Map settings) {
        def file = File.createTempFile('script', '.sh', new File(Agent.workspace.path + '@tmp'))
        def own = settings.script.startsWith('#!')
        file.text = settings.script
        file.setExecutable(true)
        if (settings.label) { println "[${settings.label}]" }
        System.out.flush()
        def builder = new ProcessBuilder(own ? [file.path] : ['sh', '-xe', file.path]).directory(Agent.workspace)
        builder.redirectError(ProcessBuilder.Redirect.INHERIT)
        if (!settings.returnStdout) { builder.redirectOutput(ProcessBuilder.Redirect.INHERIT) }
        // As for an agent: withEnv does not remove a variable from the environment of its process.
        builder.environment().putAll(env)
        def process = builder.start()
        def text = process.inputStream.text
        int status = process.waitFor()
        file.delete()
        if (settings.returnStatus) { return status }
        if (status != 0) { throw new Failure("script returned exit code ${status}") }
        settings.returnStdout ? text : null
    }

    def pwd(Map settings) { Agent.workspace.path + (settings.tmp ? '@tmp' : '') }
    def echo(String text) { println text }
    def error(String text) { throw new Failure(text) }
    def libraryResource(String name) { new File(Agent.library, "resources/${name}").text }

    def methodMissing(String name, arguments) {
        def file = new File(Agent.library, "vars/${name}.groovy")
        if (!file.exists()) { throw new MissingMethodException(name, Steps, arguments) }
        Steps.load(file).call(*arguments)
    }

    static Script load(File file) {
        def configuration = new org.codehaus.groovy.control.CompilerConfiguration(scriptBaseClass: Steps.name)
        new GroovyShell(Steps.classLoader, new Binding(), configuration).parse(file)
    }
}

Agent.library = new File(args[0])
Agent.workspace = new File(args[1])
try {
    Steps.load(new File(args[2])).run()
} catch (Failure failure) {
    println "ERROR: ${failure.message}"
    System.exit(1)
}
