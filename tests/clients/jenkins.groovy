// Runs the steps of a declarative Jenkinsfile in order, outside Jenkins: only the directives that our example uses.
// An unknown directive is an error, so no part of the file is silently ignored.

class Pipeline {
    Map<String, String> env
    Object getAny() { 'any' }

    static void in_scope(Object scope, Closure body) {
        body.delegate = scope
        body.resolveStrategy = Closure.DELEGATE_ONLY
        body()
    }

    void agent(Object where) {}
    void post(Closure body) {}
    void stages(Closure body) { in_scope(this, body) }
    void steps(Closure body) { in_scope(this, body) }

    void environment(Closure body) {
        Map<String, String> added = [:]
        in_scope(added, body)
        env.putAll(added)
    }

    void stage(String name, Closure body) {
        println "stage ${name}"
        System.out.flush()
        in_scope(new Pipeline(env: new TreeMap(env)), body)
    }

    void sh(String script) {
        def builder = new ProcessBuilder('sh', '-e', '-c', script).inheritIO()
        builder.environment().clear()
        builder.environment().putAll(env)
        int status = builder.start().waitFor()
        if (status != 0) {
            System.err.println "step exited with status ${status}"
            System.exit(1)
        }
    }
}

binding.setVariable('pipeline') { Closure body ->
    Pipeline.in_scope(new Pipeline(env: new TreeMap(System.getenv())), body)
}
new GroovyShell(binding).evaluate(new File(args[0]))
