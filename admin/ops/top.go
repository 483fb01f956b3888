package ops

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/gantrymq/gantry/admin/cli"
)

func topCommand() *cli.Command {
	return &cli.Command{
		Name: "top", Help: "brokers, topics and groups with their rates and lags, kept up to date",
		Options: []cli.Option{
			cli.Value("i", "interval", "seconds between looks (2)"), cli.Value("c", "count", "show this many looks as plain text, without a screen of its own"),
		},
		Run: top,
	}
}

func top(ctx context.Context, c *cli.Call) error {
	interval, count := c.Int("i", 2), c.Int("c", 0)
	if err := c.Bad(); err != nil {
		return err
	}
	if interval < 1 || count < 0 {
		return cli.Usagef("options -i and -c take numbers above 0")
	}
	pause := time.Duration(interval) * time.Second
	o := &observer{client: c.Client, now: time.Now}
	if count > 0 || c.Out.Form() != cli.Text {
		return plain(ctx, c, o, pause, max(count, 1))
	}
	_, err := tea.NewProgram(&screen{ctx: ctx, look: o.look, pause: pause}, tea.WithContext(ctx)).Run()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// plain shows looks one below the other.
func plain(ctx context.Context, c *cli.Call, o *observer, pause time.Duration, count int64) error {
	for i := range count {
		if i > 0 && !cli.Sleep(ctx, pause) {
			return nil
		}
		v := o.look(ctx)
		if v.Error != "" {
			return fmt.Errorf("%s", v.Error)
		}
		if err := c.Out.Item(v, func() { c.Out.Printf("%s\n", v.text(byRate, 0)) }); err != nil {
			return err
		}
	}
	return nil
}

// order is by what topics and groups are sorted.
type order int

const (
	byRate order = iota
	byLag
	byName
)

// screen is the view on a terminal. It looks again a pause after the last look has
// come, so that a slow cluster is not asked twice at a time.
type screen struct {
	ctx    context.Context
	look   func(context.Context) *view
	pause  time.Duration
	last   *view
	order  order
	height int
	filter string
	typing bool // the keys go to the filter
}

type (
	looked *view
	again  struct{}
)

// Init takes the first look.
func (s *screen) Init() tea.Cmd { return s.lookNow }

func (s *screen) lookNow() tea.Msg { return looked(s.look(s.ctx)) }

// Update takes keys and looks.
func (s *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.height = msg.Height
	case looked:
		s.last = msg
		return s, tea.Tick(s.pause, func(time.Time) tea.Msg { return again{} })
	case again:
		return s, s.lookNow
	case tea.KeyPressMsg:
		return s, s.key(msg.String())
	}
	return s, nil
}

func (s *screen) key(key string) tea.Cmd {
	if key == "ctrl+c" {
		return tea.Quit
	}
	if s.typing {
		switch key {
		case "enter":
			s.typing = false
		case "esc":
			s.typing, s.filter = false, ""
		case "backspace":
			s.filter = s.filter[:max(len(s.filter)-1, 0)]
		default:
			if len(key) == 1 {
				s.filter += key
			}
		}
		return nil
	}
	switch key {
	case "q", "esc":
		return tea.Quit
	case "r":
		s.order = byRate
	case "l":
		s.order = byLag
	case "n":
		s.order = byName
	case "/":
		s.typing, s.filter = true, ""
	}
	return nil
}

// View draws the last look.
func (s *screen) View() tea.View {
	text := "asking the cluster…"
	if s.last != nil {
		text = s.last.only(s.filter).text(s.order, s.height-1)
	}
	keys := "q quit  r by rate  l by lag  n by name  / filter"
	if s.typing || s.filter != "" {
		keys = "/" + s.filter + "  (enter keeps, esc clears)"
	}
	v := tea.NewView(text + "\n" + keys)
	v.AltScreen = true
	return v
}

// text draws a look in at most height lines; 0 means as many as there are.
func (v *view) text(by order, height int) string {
	lines := []string{v.head()}
	if v.Error != "" {
		lines = append(lines, v.Error)
	}
	lines = append(lines, "", fmt.Sprintf("%-24s %-22s %12s %12s %8s %10s", "BROKER", "ADDRESS", "IN/s", "OUT/s", "DISK", "PAGEWAIT"))
	for _, b := range v.Brokers {
		lines = append(lines, fmt.Sprintf("%-24s %-22s %12.1f %12.1f %7.1f%% %8sms", b.Name, b.Addr, b.In, b.Out, b.Disk*100, b.PageWaitMs))
	}
	lines = append(lines, "", fmt.Sprintf("%-40s %12s %14s", "TOPIC", "IN/s", "MESSAGES"))
	rest := append([]string(nil), v.topicLines(by)...)
	groups := append([]string{"", fmt.Sprintf("%-40s %8s %12s %12s %12s", "GROUP", "CLIENTS", "OUT/s", "BEHIND", "FOR")}, v.groupLines(by)...)
	if room := height - len(lines) - len(groups); height > 0 && len(rest) > max(room, 3) {
		rest = rest[:max(room, 3)]
	}
	lines = append(append(lines, rest...), groups...)
	if height > 0 && len(lines) > height {
		lines = lines[:height]
	}
	return strings.Join(lines, "\n")
}

func (v *view) head() string {
	return fmt.Sprintf("%s  %d brokers  %d topics  %d groups", v.Time.Format(time.TimeOnly), len(v.Brokers), len(v.Topics), len(v.Groups))
}

func (v *view) topicLines(by order) []string {
	topics := slices.Clone(v.Topics)
	slices.SortStableFunc(topics, func(a, b topicRow) int {
		if by == byName {
			return strings.Compare(a.Name, b.Name)
		}
		return descending(a.In, b.In, a.Name, b.Name)
	})
	lines := make([]string, len(topics))
	for i, t := range topics {
		lines[i] = fmt.Sprintf("%-40s %12.1f %14d", t.Name, t.In, t.Messages)
	}
	return lines
}

func (v *view) groupLines(by order) []string {
	groups := slices.Clone(v.Groups)
	slices.SortStableFunc(groups, func(a, b groupRow) int {
		switch by {
		case byName:
			return strings.Compare(a.Name, b.Name)
		case byLag:
			return descending(float64(a.Behind), float64(b.Behind), a.Name, b.Name)
		}
		return descending(a.Out, b.Out, a.Name, b.Name)
	})
	lines := make([]string, len(groups))
	for i, g := range groups {
		lines[i] = fmt.Sprintf("%-40s %8d %12.1f %12d %12s", g.Name, g.Clients, g.Out, g.Behind, g.longest())
	}
	return lines
}

// descending compares by value, the greater first, then by name.
func descending(a, b float64, nameA, nameB string) int {
	switch {
	case a > b:
		return -1
	case a < b:
		return 1
	}
	return strings.Compare(nameA, nameB)
}
