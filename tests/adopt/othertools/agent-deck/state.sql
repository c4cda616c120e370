-- agent-deck 1.14.0, schema 13, written after its source: see README.md beside this folder.
CREATE TABLE metadata (key TEXT PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO metadata VALUES ('schema_version', '13');
CREATE TABLE instances (
  id TEXT PRIMARY KEY, title TEXT NOT NULL, project_path TEXT NOT NULL,
  group_path TEXT NOT NULL DEFAULT 'my-sessions', sort_order INTEGER NOT NULL DEFAULT 0,
  command TEXT NOT NULL DEFAULT '', wrapper TEXT NOT NULL DEFAULT '', tool TEXT NOT NULL DEFAULT 'shell',
  status TEXT NOT NULL DEFAULT 'error', tmux_session TEXT NOT NULL DEFAULT '',
  tmux_socket_name TEXT NOT NULL DEFAULT '', created_at INTEGER NOT NULL, last_accessed INTEGER NOT NULL DEFAULT 0,
  parent_session_id TEXT NOT NULL DEFAULT '', is_conductor INTEGER NOT NULL DEFAULT 0,
  no_transition_notify INTEGER NOT NULL DEFAULT 0, title_locked INTEGER NOT NULL DEFAULT 0,
  worktree_path TEXT NOT NULL DEFAULT '', worktree_repo TEXT NOT NULL DEFAULT '',
  worktree_branch TEXT NOT NULL DEFAULT '', account TEXT NOT NULL DEFAULT '', archived_at INTEGER NOT NULL DEFAULT 0,
  auto_name INTEGER NOT NULL DEFAULT 0, auto_name_description TEXT NOT NULL DEFAULT '', pin TEXT NOT NULL DEFAULT '',
  last_sent_at INTEGER NOT NULL DEFAULT 0, tool_data TEXT NOT NULL DEFAULT '{}', acknowledged INTEGER NOT NULL DEFAULT 0
);
INSERT INTO instances (id, title, project_path, group_path, command, tool, status, tmux_session, created_at, tool_data)
VALUES
  ('a1-1', 'fix login', '/srv/lab', 'work', 'claude', 'claude', 'idle', 'agentdeck_fix-login_0a1b', 1,
   '{"claude_session_id": "b3a7c0de-1111-4222-8333-444455556666", "claude_detected_at": 1787000000,
     "tool_options": {"tool": "claude", "options": {"session_mode": "new", "model": "opus", "skip_permissions": true}},
     "extra_args": ["--add-dir", "/srv/shared docs"], "latest_prompt": "do it", "color": "203"}'),
  ('a1-2', 'docs', '/srv/lab', 'work', 'codex', 'codex', 'stopped', 'agentdeck_docs_0a1c', 2,
   '{"codex_session_id": "019a0000-1111-7222-8333-444455556666",
     "tool_options": {"tool": "codex", "options": {"reasoning_effort": "high", "yolo_mode": true}}}'),
  ('a1-4', 'guess', '/srv/other', 'my-sessions', 'claude', 'claude', 'running', 'agentdeck_guess_0a1e', 4,
   '{"claude_session_id": "c3a7c0de-1111-4222-8333-444455556666", "claude_session_id_unverified": true}'),
  ('a1-5', 'old', '/srv/other', 'my-sessions', 'gemini', 'gemini', 'idle', 'agentdeck_old_0a1f', 5,
   '{"gemini_session_id": "d3a7c0de-1111-4222-8333-444455556666", "gemini_yolo_mode": true, "gemini_model": "pro"}'),
  ('a1-6', 'terminal', '/srv/lab', 'my-sessions', '', 'shell', 'idle', 'agentdeck_terminal_0a20', 6, '{}'),
  ('a1-7', 'far', '/srv/lab', 'my-sessions', 'claude', 'claude', 'idle', 'agentdeck_far_0a21', 7,
   '{"ssh_host": "u@example.org", "ssh_remote_path": "/srv"}'),
  ('a1-8', 'boxed', '/srv/lab', 'my-sessions', 'claude', 'claude', 'idle', 'agentdeck_boxed_0a22', 8,
   '{"sandbox": {"enabled": true, "image": "x"}}'),
  ('a1-9', 'pair', '/srv/lab', 'my-sessions', 'aider', 'aider', 'idle', 'agentdeck_pair_0a23', 9, '{}');
INSERT INTO instances (id, title, project_path, command, tool, status, created_at, worktree_path, worktree_repo,
                       worktree_branch, account, tmux_session, tmux_socket_name)
VALUES ('a1-3', 'tree', '/srv/lab-tree', 'claude', 'claude', 'waiting', 3, '/srv/lab-tree', '/srv/lab', 'feature/tree',
        'work', 'agentdeck_tree_0a1d', 'deck');
UPDATE instances SET archived_at = 1787000001 WHERE id = 'a1-5';
