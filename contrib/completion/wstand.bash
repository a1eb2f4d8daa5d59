# bash completion for wstand(8). A test holds the lists to the options that wstand has.

_wstand() {
    # Options that stand alone; with a value; with a value that may be missing, which is yes then.
    local flags='--help --gen-key --v2 --client-key --client --server --debug --check-config --print-config --doctor --strict --stdio --version'
    local files='--ini --config --key-file --users-file --tls-certificate --tls-key --tls-client-ca --tls-ca-file --state-directory
        --control-socket'
    local choices='--early-reply --proxy-protocol --replay-under-tls --accept-v1 --allow-bare-dgm --allow-private --tls-verify'
    local switches='--compatible --x-forward'
    local values='--listen --trusted-proxies --tls-pin-sha256 --header --log-format --control-group --addr --tun-addr --connect-to --carrier
        --key --log-level --mode --threads --pool-size --pool-min --max-tunnels --max-tunnels-per-address
        --max-tunnel-rate --max-handshakes --host-header --tls-sni --port --tun-port --proxy --memory-limit --early-data --plain-answer --direct --allow --deny
        --drain-timeout --early-data-wait --udp-idle --pool-max-idle --pool-ping --ping-interval --request-ttl --handshake-timeout
        --connect-timeout --idle-timeout --uri --public-uri --allow-uid --forward'

    # bash splits --option=value into three words.
    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} word
    if [[ $current == = ]]; then
        current=
    elif [[ $option == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 2]}
    fi

    case $option in
    --mode) word='client server' ;;
    --log-level) word='error warning notice info debug' ;;
    --log-format) word='auto text json journal' ;;
    --early-reply) word='auto yes no' ;;
    --carrier) word='auto cookie path protocol' ;;
    -i) option=--ini ;;
    esac
    if [[ -n $word ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$word" -- "$current")
    elif [[ " ${files//[[:space:]]/ } " == *" $option "* ]]; then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    elif [[ " $choices " == *" $option "* || " $switches " == *" $option "* && ${COMP_WORDS[*]:COMP_CWORD - 1} == *=* ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'yes no' -- "$current")
    elif [[ " ${values//[[:space:]]/ } " == *" $option "* ]]; then
        COMPREPLY=()
    elif [[ $current == -* ]]; then
        local valued
        printf -v valued '%s= ' $files $choices $values
        mapfile -t COMPREPLY < <(compgen -W "$flags $switches $valued" -- "$current")
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace
    fi
    return 0
}

complete -F _wstand wstand
