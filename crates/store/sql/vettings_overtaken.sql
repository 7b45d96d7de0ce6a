SELECT vettings.account, vettings.ladder, vettings.state, vettings.body, vettings.since, vettings.due_at, vettings.version
FROM vettings JOIN resources ON resources.kind = 'account' AND resources.name = vettings.account
WHERE vettings.state = $1 AND (resources.version > vettings.version OR EXISTS (
    SELECT 1 FROM profile_lines
    WHERE profile_lines.account = vettings.account AND profile_lines.version > vettings.version
  ))
  AND (vettings.account, vettings.ladder) > ($2, $3)
ORDER BY vettings.account, vettings.ladder LIMIT $4
