# fish completion for xassume. Generated from the table of flags.

# Prints the command after the flags, up to the cursor; fails while there are only flags.
function __fish_xassume_command
    set -l words (commandline -opc) (commandline -ct)
    set -l flags @ARGPARSE@
    argparse -s $flags -- $words[2..-1] 2>/dev/null
    and set -q argv[1]
    and not string match -q -- '-*' $argv[1]
    or return 1
    string join0 -- $argv
    return 0
end

# Whether a flag can be offered here: neither its name nor its letter was given before.
function __fish_xassume_wants
    __fish_xassume_command >/dev/null
    and return 1
    set -l words (commandline -opc)
    set -e words[1]
    # If no flag is being typed, the word before the cursor may be this flag, and its value is completed.
    string match -q -- '-*' (commandline -ct)
    or set -e words[-1]
    string match -qr -- "^--$argv[1](=|\$)" $words
    and return 1
    set -q argv[2]
    and string match -qr -- "^-[a-zA-Z]*$argv[2]" $words
    and return 1
    return 0
end

# Prints what the program lists: profiles with their roles, roles or signals.
function __fish_xassume_list
    # Run xassume as it was typed: it may not be in PATH.
    set -l words (string replace -r '^~/' "$HOME/" -- (commandline -opc))
    $words[1] --list $argv[1] 2>/dev/null
end

function __fish_xassume_subcommand
    set -l words (__fish_xassume_command | string split0)
    test (count $words) -gt 0
    and __fish_complete_subcommand --commandline $words
end

@FLAGS@
complete -c xassume -x -a '(__fish_xassume_subcommand)'
