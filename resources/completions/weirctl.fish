# fish completion of weirctl
complete -c weirctl -f
complete -c weirctl -n __fish_use_subcommand -a nodes -d 'The nodes of the cluster, as each asked node knows them'
complete -c weirctl -n __fish_use_subcommand -a status -d 'State, load and Redis of each node'
complete -c weirctl -n __fish_use_subcommand -a top -d 'A live table of nodes; q ends it'
complete -c weirctl -n __fish_use_subcommand -a connections -d 'Open connections, or all that is known of one'
complete -c weirctl -n __fish_use_subcommand -a rooms -d 'Rooms with their members and rates'
complete -c weirctl -n __fish_use_subcommand -a evict -d 'Close connections, by filter or by id'
complete -c weirctl -n __fish_use_subcommand -a drain -d 'Refuse newcomers and close all clients at a rate'
complete -c weirctl -n __fish_use_subcommand -a resume -d 'Take clients again; a running drain is aborted'
complete -c weirctl -n __fish_use_subcommand -a publish -d 'Send one event to a room; DATA is JSON, - reads it from stdin'
complete -c weirctl -n __fish_use_subcommand -a operations -d 'Drains and evictions, and their end'
complete -c weirctl -n __fish_use_subcommand -a closed -d 'Connections that have left, and why'
complete -c weirctl -n __fish_use_subcommand -a trace -d 'Decoded events of matching connections as they happen'
complete -c weirctl -n __fish_use_subcommand -a rolling-drain -d 'Drain node after node, each after the last is back'
complete -c weirctl -n __fish_use_subcommand -a rebalance -d 'Move clients from full nodes to empty ones'
complete -c weirctl -n __fish_use_subcommand -a config -d 'Settings with their origin; set holds until a restart'
complete -c weirctl -n __fish_use_subcommand -a audit -d 'Who did what, newest first'
complete -c weirctl -n __fish_use_subcommand -a log -d 'Log lines as they are written'
complete -c weirctl -n __fish_use_subcommand -a doctor -d 'What is wrong with nodes and machine, and the command that mends it'
complete -c weirctl -l node -d 'Admin channel of a node, ws://HOST:7401/admin, HOST:PORT, or the id of one on this machine' -x
complete -c weirctl -l all -d 'All nodes of the cluster that this token may reach'
complete -c weirctl -l token-file -d 'File whose first line is the token' -r -F
complete -c weirctl -l ca -d 'PEM file of the authorities to trust at wss:// addresses' -r -F
complete -c weirctl -l pin -d 'The one certificate to trust there: sha256: and its fingerprint' -x
complete -c weirctl -l json -d 'JSON on stdout: one object, or one a line for what goes on'
complete -c weirctl -l help -d 'Print help and end'
complete -c weirctl -l version -d 'Print the version and end'
complete -c weirctl -n '__fish_seen_subcommand_from connections' -l filter -d 'Only connections that match, for example '\''room=lobby idle>10m'\''' -x
complete -c weirctl -n '__fish_seen_subcommand_from connections' -l sort -d 'Order of the rows; a leading - turns it round' -x -a 'id since idle queue rooms rtt in_rate out_rate name members messages_per_s'
complete -c weirctl -n '__fish_seen_subcommand_from connections' -l limit -d 'Most rows (100); 0: all' -x
complete -c weirctl -n '__fish_seen_subcommand_from connections' -l watch -d 'Follow one connection, a line a second'
complete -c weirctl -n '__fish_seen_subcommand_from rooms' -l filter -d 'Only connections that match, for example '\''room=lobby idle>10m'\''' -x
complete -c weirctl -n '__fish_seen_subcommand_from rooms' -l sort -d 'Order of the rows; a leading - turns it round' -x -a 'id since idle queue rooms rtt in_rate out_rate name members messages_per_s'
complete -c weirctl -n '__fish_seen_subcommand_from rooms' -l limit -d 'Most rows (100); 0: all' -x
complete -c weirctl -n '__fish_seen_subcommand_from rooms' -l namespace -d 'The namespace (/)' -x
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l filter -d 'Only connections that match, for example '\''room=lobby idle>10m'\''' -x
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l dry-run -d 'Only show what would be closed'
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l rate -d 'Connections a second' -x
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l reconnect -d 'Clients may come back at once'
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l reason -d 'Why, for the audit' -x
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l yes -d 'Do not ask'
complete -c weirctl -n '__fish_seen_subcommand_from evict' -l wait -d 'Watch until it has ended; Ctrl-C stops the watching alone'
complete -c weirctl -n '__fish_seen_subcommand_from drain' -l rate -d 'Connections a second' -x
complete -c weirctl -n '__fish_seen_subcommand_from drain' -l deadline -d 'Seconds after which the rest is closed' -x
complete -c weirctl -n '__fish_seen_subcommand_from drain' -l grace -d 'Seconds between /ready turning 503 and the first close' -x
complete -c weirctl -n '__fish_seen_subcommand_from drain' -l wait -d 'Watch until it has ended; Ctrl-C stops the watching alone'
complete -c weirctl -n '__fish_seen_subcommand_from publish' -l room -d 'The room that gets it' -x
complete -c weirctl -n '__fish_seen_subcommand_from publish' -l everybody -d 'Every member of the namespace gets it'
complete -c weirctl -n '__fish_seen_subcommand_from publish' -l namespace -d 'The namespace (/)' -x
complete -c weirctl -n '__fish_seen_subcommand_from operations' -a 'list get watch abort'
complete -c weirctl -n '__fish_seen_subcommand_from closed' -l filter -d 'Only connections that match, for example '\''room=lobby idle>10m'\''' -x
complete -c weirctl -n '__fish_seen_subcommand_from closed' -l since -d 'Only what is younger, for example 90s, 15m, 2h, 1d' -x
complete -c weirctl -n '__fish_seen_subcommand_from closed' -l limit -d 'Most rows (100); 0: all' -x
complete -c weirctl -n '__fish_seen_subcommand_from trace' -l filter -d 'Only connections that match, for example '\''room=lobby idle>10m'\''' -x
complete -c weirctl -n '__fish_seen_subcommand_from trace' -l seconds -d 'For how long (60)' -x
complete -c weirctl -n '__fish_seen_subcommand_from trace' -l sample -d 'The part of the events that is shown, above 0 and at most 1' -x
complete -c weirctl -n '__fish_seen_subcommand_from rolling-drain' -l rate -d 'Connections a second' -x
complete -c weirctl -n '__fish_seen_subcommand_from rolling-drain' -l max-lost-percent -d 'Stop when more clients are lost (1)' -x
complete -c weirctl -n '__fish_seen_subcommand_from rebalance' -l rate -d 'Connections a second' -x
complete -c weirctl -n '__fish_seen_subcommand_from rebalance' -l relative -d 'Act on nodes above X times the mean (1.1)' -x
complete -c weirctl -n '__fish_seen_subcommand_from rebalance' -l absolute -d 'Act on nodes this many above the mean (1000)' -x
complete -c weirctl -n '__fish_seen_subcommand_from config' -a 'get set'
complete -c weirctl -n '__fish_seen_subcommand_from audit' -l since -d 'Only what is younger, for example 90s, 15m, 2h, 1d' -x
complete -c weirctl -n '__fish_seen_subcommand_from audit' -l limit -d 'Most rows (100); 0: all' -x
complete -c weirctl -n '__fish_seen_subcommand_from log' -l level -d 'The least severe line (info)' -x -a 'trace debug info warn error'
complete -c weirctl -n '__fish_seen_subcommand_from doctor' -l redis -d 'Redis to look at, redis://[:PASSWORD@]HOST:PORT (WEIR_REDIS_URL, else the node'\''s own)' -x
