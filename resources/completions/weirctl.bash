# bash completion of weirctl
_weirctl() {
    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            -*) ;;
            *) [[ " nodes status top connections rooms evict drain resume publish operations closed trace rolling-drain rebalance config audit log doctor " == *" ${COMP_WORDS[i]} "* ]] && command=${COMP_WORDS[i]} && break ;;
        esac
    done
    case $previous in
        --node) return ;;
        --token-file) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --ca) mapfile -t COMPREPLY < <(compgen -f -- "$word"); return ;;
        --pin) return ;;
        --filter) return ;;
        --sort) mapfile -t COMPREPLY < <(compgen -W 'id since idle queue rooms rtt in_rate out_rate name members messages_per_s' -- "$word"); return ;;
        --limit) return ;;
        --since) return ;;
        --rate) return ;;
        --deadline) return ;;
        --grace) return ;;
        --reason) return ;;
        --room) return ;;
        --namespace) return ;;
        --seconds) return ;;
        --sample) return ;;
        --level) mapfile -t COMPREPLY < <(compgen -W 'trace debug info warn error' -- "$word"); return ;;
        --max-lost-percent) return ;;
        --relative) return ;;
        --absolute) return ;;
        --redis) return ;;
    esac
    local words=
    case $command in
        '') words='nodes status top connections rooms evict drain resume publish operations closed trace rolling-drain rebalance config audit log doctor --node --all --token-file --ca --pin --json --help --version' ;;
        nodes) words='--node --all --token-file --ca --pin --json --help --version' ;;
        status) words='--node --all --token-file --ca --pin --json --help --version' ;;
        top) words='--node --all --token-file --ca --pin --json --help --version' ;;
        connections) words='--filter --sort --limit --watch --node --all --token-file --ca --pin --json --help --version' ;;
        rooms) words='--filter --sort --limit --namespace --node --all --token-file --ca --pin --json --help --version' ;;
        evict) words='--filter --dry-run --rate --reconnect --reason --yes --wait --node --all --token-file --ca --pin --json --help --version' ;;
        drain) words='--rate --deadline --grace --wait --node --all --token-file --ca --pin --json --help --version' ;;
        resume) words='--node --all --token-file --ca --pin --json --help --version' ;;
        publish) words='--room --everybody --namespace --node --all --token-file --ca --pin --json --help --version' ;;
        operations) words='list get watch abort --node --all --token-file --ca --pin --json --help --version' ;;
        closed) words='--filter --since --limit --node --all --token-file --ca --pin --json --help --version' ;;
        trace) words='--filter --seconds --sample --node --all --token-file --ca --pin --json --help --version' ;;
        rolling-drain) words='--rate --max-lost-percent --node --all --token-file --ca --pin --json --help --version' ;;
        rebalance) words='--rate --relative --absolute --node --all --token-file --ca --pin --json --help --version' ;;
        config) words='get set --node --all --token-file --ca --pin --json --help --version' ;;
        audit) words='--since --limit --node --all --token-file --ca --pin --json --help --version' ;;
        log) words='--level --node --all --token-file --ca --pin --json --help --version' ;;
        doctor) words='--redis --node --all --token-file --ca --pin --json --help --version' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -F _weirctl weirctl
